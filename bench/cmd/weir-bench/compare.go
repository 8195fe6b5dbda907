package main

import (
	"encoding/json"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirproxy/weir/bench/internal/compare"
	"github.com/weirproxy/weir/bench/internal/fleet"
)

func newCompare() *cobra.Command {
	var quick, asJSON, gate bool
	cmd := &cobra.Command{
		Use:   "compare",
		Short: "Measure Weir's processor time per request beside reference servers",
		Long: `Measure Weir's processor time per request beside a bare fasthttp constant server and a minimal fasthttp proxy, all in one run.

Servers are pinned to the second processor, load and upstream to the first; pieces of each server follow each other in turn. Ratios count,
absolute figures depend on the machine. Two processors without other work are needed.`,
		Example: `  weir-bench compare --quick
  weir-bench compare --json --gate`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := home()
			if err != nil {
				return err
			}
			cfg := compare.Config{Instances: 7, Rounds: 5, Piece: time.Second, Out: cmd.ErrOrStderr()}
			if quick {
				cfg.Instances, cfg.Rounds, cfg.Piece = 3, 3, 500*time.Millisecond
			}
			if cfg.Binaries, err = fleet.FindBinaries(dir); err != nil {
				return err
			}
			res, err := compare.Run(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			if asJSON {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(res)
			} else {
				res.WriteText(cmd.OutOrStdout())
			}
			if err == nil && gate && !res.Pass() {
				return errFailed
			}
			return err
		},
	}
	f := cmd.Flags()
	f.BoolVar(&quick, "quick", false, "3 process instances and short pieces (a minute) instead of 7 (six minutes)")
	f.BoolVar(&asJSON, "json", false, "print one JSON object")
	f.BoolVar(&gate, "gate", false, "exit 1 when a gate is missed")
	return cmd
}
