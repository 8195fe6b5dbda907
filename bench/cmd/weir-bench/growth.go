package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/growth"
	"github.com/weirproxy/weir/bench/internal/result"
)

func newGrowth() *cobra.Command {
	var cfg growth.Config
	var output string
	var asJSON, gate bool
	names, words := growth.Names()
	var list strings.Builder
	for i := range names {
		fmt.Fprintf(&list, "\n  %-12s %s", names[i], words[i])
	}
	cmd := &cobra.Command{
		Use:   "growth [NAME…]",
		Short: "Measure what Weir takes as something grows, and before anything does",
		Long: `Start bin/weir and measure throughput, processor time and memory as something grows. Without names every part is measured, which takes
about ten minutes; two processors without other work and 6 GiB of memory are needed.
` + list.String(),
		Example: `  weir-bench growth --quick
  weir-bench growth footprint --gate
  weir-bench growth connections bytes --out growth.json`,
		ValidArgs: names,
		Args:      func(_ *cobra.Command, args []string) error { return growth.Check(args...) },
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := home()
			if err != nil {
				return err
			}
			if cfg.Binaries, err = fleet.FindBinaries(dir); err != nil {
				return err
			}
			cfg.Out = cmd.ErrOrStderr()
			file := tablesFile()
			tables, err := growth.Run(cmd.Context(), cfg, args...)
			return finishTables(cmd.OutOrStdout(), file, tables, err, output, asJSON, gate)
		},
	}
	cmd.Flags().BoolVar(&cfg.Quick, "quick", false, "small points and short pieces: for a look, not for the record")
	tableFlags(cmd, &output, &asJSON, &gate)
	return cmd
}

// tableFlags are the flags of commands whose result is tables.
func tableFlags(cmd *cobra.Command, output *string, asJSON, gate *bool) {
	f := cmd.Flags()
	f.StringVar(output, "out", "", "write the result to this file (JSON; weir-bench report reads it)")
	f.BoolVar(asJSON, "json", false, "print one JSON object instead of tables")
	f.BoolVar(gate, "gate", false, "exit 1 when a gate is missed")
}

// tablesFile begins a result of this program.
func tablesFile() *result.File {
	return &result.File{Format: result.Format, Command: os.Args, Version: version, Started: time.Now(), Machines: []result.Machine{result.Here()}}
}

// finishTables prints and writes what was measured, also when something went wrong.
func finishTables(w io.Writer, file *result.File, tables []result.Table, failed error, output string, asJSON, gate bool) error {
	file.Tables, file.Seconds = tables, time.Since(file.Started).Seconds()
	if failed != nil {
		file.Partial = failed.Error()
	}
	if len(tables) == 0 {
		return failed
	}
	errs := []error{failed}
	if output != "" {
		errs = append(errs, file.Write(output))
	}
	if asJSON {
		errs = append(errs, file.Encode(w))
	} else {
		for i := range tables {
			growth.WriteText(w, &tables[i])
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if gate && growth.Missed(tables) > 0 {
		return errFailed
	}
	return nil
}
