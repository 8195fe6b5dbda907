package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/full"
	"github.com/weirproxy/weir/bench/internal/peer"
)

func newFull() *cobra.Command {
	var cfg full.Config
	var gate, render bool
	cmd := &cobra.Command{
		Use:   "full --out DIR",
		Short: "Measure everything and write RESULTS.md",
		Long: `Measure everything, one part after the other, and write DIR/RESULTS.md with its data and pictures in DIR/results: the generator against known
answers, Weir beside reference servers and other people's, growth, footprint. About half an hour on two processors without other work.

A part that fails costs the others nothing, and RESULTS.md says so first. With --only the named parts are measured and the rest stays as it was.
Two parts are measured only when they are named: federation takes ten minutes and needs the federation kit, and Hive Router for the rows beside it
(hive_router in PATH, or HIVE_ROUTER_BIN); the soak takes 20 minutes. Parts: ` + strings.Join(full.Names(), ", ") + `.`,
		Example: `  weir-bench full --out bench
  weir-bench full --out bench --only growth,footprint
  weir-bench full --out bench --only federation --fedbench ../shared/fedbench
  weir-bench full --out bench --only soak --soak 1h
  weir-bench full --out bench --render             # RESULTS.md and pictures from the data that is there
  weir-bench full --out /tmp/look --quick`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if render {
				_, err := full.Write(cfg.Dir)
				return err
			}
			dir, err := home()
			if err != nil {
				return err
			}
			if cfg.Binaries, err = fleet.FindBinaries(dir); err != nil {
				return err
			}
			if cfg.NPM, err = peer.NPMFolder(); err != nil {
				return err
			}
			cfg.Hive = os.Getenv("HIVE_ROUTER_BIN")
			cfg.Version, cfg.Command, cfg.Out = version, os.Args, cmd.ErrOrStderr()
			missed, err := full.Run(cmd.Context(), cfg)
			fmt.Fprintf(cmd.OutOrStdout(), "%d gates missed; see %s/RESULTS.md\n", missed, strings.TrimSuffix(cfg.Dir, "/"))
			if err == nil && gate && missed > 0 {
				return errFailed
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.Dir, "out", "", "folder that takes RESULTS.md and the folder results")
	f.StringSliceVar(&cfg.Only, "only", nil, "parts to measure, by commas (default all but federation and soak)")
	f.StringVar(&cfg.Fedbench, "fedbench", "../shared/fedbench", "folder of the federation kit")
	f.DurationVar(&cfg.Soak, "soak", full.SoakTime, "length of the part soak: the longer, the smaller the slope that can be told from none")
	f.BoolVar(&cfg.Quick, "quick", false, "short pieces and few points: for a look, not for the record")
	f.BoolVar(&render, "render", false, "measure nothing, write RESULTS.md from the data that is there")
	f.BoolVar(&gate, "gate", false, "exit 1 when a gate is missed")
	if err := cmd.MarkFlagRequired("out"); err != nil {
		panic("BUG: " + err.Error())
	}
	return cmd
}
