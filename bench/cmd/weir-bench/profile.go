package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirproxy/weir/bench/internal/drive"
	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/pgo"
	"github.com/weirproxy/weir/bench/internal/result"
)

func newProfile() *cobra.Command {
	var cfg pgo.Config
	var out string
	names, about := pgo.Names()
	var list strings.Builder
	for i := range names {
		fmt.Fprintf(&list, "\n  %-11s %s", names[i], about[i])
	}
	cmd := &cobra.Command{
		Use:   "profile --out FILE",
		Short: "Record the processor profile that weir is built with",
		Long: `Start bin/weir in each of its roles, record where it spends processor time under load, and write one profile in which each role weighs the
same: what the compiler reads, and nothing of the machine. Samples within crypto are left out, because what a profile inlines there makes
hits allocate. A file that is there is replaced when all of it was recorded, and not before.

Roles:` + list.String() + `

Two processors without other work are needed. It does not matter that bin/weir was itself built with a profile. The allocation tests say
whether a build with the new one keeps what is promised; make profile runs them.`,
		Example: `  weir-bench profile --out proxy/cmd/weir/default.pgo
  weir-bench profile --out /tmp/hit.pgo --roles hit,hit-kafka --seconds 5
  go tool pprof -top /tmp/hit.pgo
  go test -pgo=$PWD/proxy/cmd/weir/default.pgo -run Alloc ./proxy/... ./planner/... ./cache/... ./telemetry/...`,
		RunE: func(cmd *cobra.Command, _ []string) error { return runProfile(cmd, cfg, out) },
	}
	f := cmd.Flags()
	f.StringVarP(&out, "out", "o", "", "write the profile to this file (needed)")
	f.IntVar(&cfg.Seconds, "seconds", 15, fmt.Sprintf("of profile for each role, 1 to %d", pgo.MaxSeconds))
	f.StringSliceVar(&cfg.Roles, "roles", nil, "roles to record, by commas (default all)")
	return cmd
}

func runProfile(cmd *cobra.Command, cfg pgo.Config, out string) error {
	if err := errors.Join(checkOut(out), cfg.Check()); err != nil {
		return drive.Input(err)
	}
	dir, err := home()
	if err != nil {
		return err
	}
	if cfg.Binaries, err = fleet.FindBinaries(dir); err != nil {
		return err
	}
	cfg.Out = cmd.ErrOrStderr()
	started := time.Now()
	p, all, err := pgo.Run(cmd.Context(), cfg)
	if err != nil {
		return err
	}
	if err := result.WriteFile(out, p.Write); err != nil {
		return err
	}
	pgo.WriteText(cmd.OutOrStdout(), all)
	size := ""
	if info, err := os.Stat(out); err == nil && info.Mode().IsRegular() {
		size = fmt.Sprintf(", %d bytes", info.Size())
	}
	fmt.Fprintf(cmd.OutOrStdout(), "\n%s: %d stacks%s, in %s\n", out, len(p.Sample), size, time.Since(started).Round(time.Second))
	return nil
}

// checkOut refuses before minutes of load what could not be written after them.
func checkOut(path string) error {
	if path == "" {
		return errors.New("profile needs a file to write: weir-bench profile --out proxy/cmd/weir/default.pgo")
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("--out %s is a folder; name a file", path)
	}
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return fmt.Errorf("--out %s: %w", path, err)
	}
	return nil
}
