package main

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirproxy/weir/bench/internal/drive"
	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/soak"
)

var errUnsure = errors.New("soak: not every slope could be judged: run longer (--duration)")

func newSoak() *cobra.Command {
	var cfg soak.Config
	var output string
	var asJSON, gate bool
	cmd := &cobra.Command{
		Use:   "soak",
		Short: "Mixed load, faults, restarts and reloads for minutes: nothing may grow, nothing may be stale",
		Long: `Start two sidecars, the control plane, an origin that fails now and then, a broker and redis-server, send a mixed load, and disturb it all the
time: invalidations, reloads, restarts of Redis, of the broker and of the origin, clients that come and go. Memory, goroutines, files, connections
and queues of both sidecars are sampled, memory and files of the control plane too; a robust slope per hour with its interval says whether any of them grows.

Exit code 1 when something grows, when an answer was stale, or when a defect was caught; 4 when nothing of this happened but a slope cannot be
told from its tolerance, as after less than eight minutes, when caches and heap are still filling: run longer.`,
		Example: `  weir-bench soak --duration 20m --out soak.json
  weir-bench soak --duration 2m --rate 200`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := home()
			if err != nil {
				return err
			}
			if cfg.Binaries, err = fleet.FindBinaries(dir); err != nil {
				return err
			}
			cfg.Out = cmd.ErrOrStderr()
			file := tablesFile()
			out, failed := soak.Run(cmd.Context(), cfg)
			if out == nil {
				return failed
			}
			file.Run = &out.Run
			if err := finishTables(cmd.OutOrStdout(), file, out.Tables, failed, output, asJSON, gate); err != nil {
				return err
			}
			switch out.Verdict() {
			case soak.Growing:
				return errors.Join(errFailed, failed)
			case soak.Unsure:
				if failed == nil {
					return &drive.Error{Code: drive.ExitUnsure, Err: errUnsure}
				}
			}
			return failed
		},
	}
	f := cmd.Flags()
	f.DurationVar(&cfg.Duration, "duration", 20*time.Minute, "end after so long")
	f.Float64Var(&cfg.Rate, "rate", 400, "requests per second")
	tableFlags(cmd, &output, &asJSON, &gate)
	return cmd
}
