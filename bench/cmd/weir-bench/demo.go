package main

import (
	"encoding/json"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/weirproxy/weir/bench/internal/demo"
	"github.com/weirproxy/weir/bench/internal/fleet"
)

const (
	lineDuration = 30 * time.Second // without a terminal the demo ends by itself
	otherWidth   = 80
)

func newDemo() *cobra.Command {
	var cfg demo.Config
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Two sidecars, the control plane, an origin with real data and a small load, live",
		Long: `Start bin/weir twice and bin/weir-control beside an origin with GeoNames data, a Kafka-protocol broker and redis-server, send a small
Zipf load, and show by itself what Weir does: a configuration change, a command, an invalidation by mutation, the origin's outage.

Exit code 1 when a step did not do what it says. With --json the last line is one JSON object.`,
		Example: `  weir-bench demo
  weir-bench demo --duration 30s --json
  weir-bench demo --redis 127.0.0.1:6379 --kafka 127.0.0.1:9092`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := home()
			if err != nil {
				return err
			}
			if cfg.Binaries, err = fleet.FindBinaries(dir); err != nil {
				return err
			}
			cfg.Out = cmd.OutOrStdout()
			terminal := int(os.Stdout.Fd())
			switch {
			case !asJSON && term.IsTerminal(terminal):
				cfg.Width = func() int {
					if width, _, err := term.GetSize(terminal); err == nil {
						return width
					}
					return otherWidth
				}
			case cfg.Duration == 0:
				cfg.Duration = lineDuration
			}
			res, err := demo.Run(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			if asJSON {
				if err := json.NewEncoder(cmd.OutOrStdout()).Encode(res); err != nil {
					return err
				}
			}
			if !res.OK {
				return errFailed
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&cfg.Redis, "redis", nil, "use this Redis (HOST:PORT[,…]) instead of an own redis-server")
	f.StringSliceVar(&cfg.Kafka, "kafka", nil, "use this Kafka (HOST:PORT[,…]) instead of the broker in the process")
	f.DurationVar(&cfg.Duration, "duration", 0, "end after so long; 0: on a terminal until Ctrl-C, else 30s")
	f.Float64Var(&cfg.Rate, "rate", 400, "requests per second")
	f.BoolVar(&asJSON, "json", false, "no live view; the last line is one JSON object")
	return cmd
}
