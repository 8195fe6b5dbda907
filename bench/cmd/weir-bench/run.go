package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirproxy/weir/bench/internal/arrival"
	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/origin"
)

func newRun() *cobra.Command {
	var cfg load.Config
	var rate, mutations float64
	var entities int
	var check, asJSON bool
	cmd := &cobra.Command{
		Use:   "run URL…",
		Short: "Send GraphQL load to one or more servers with the GeoNames schema",
		Long: `Send GraphQL load to one or more servers that have the schema of "weir-bench origin" behind them.

Without --rate each connection sends its next request when the last is answered (closed loop). With --rate requests have intended times
(open loop) and latency counts from these, so that a server that stalls shows its queue.`,
		Example: `  weir-bench run http://127.0.0.1:8080 --duration 10s
  weir-bench run http://127.0.0.1:8080 http://127.0.0.1:8081 --rate 2000 --mutations 0.02 --check-staleness --json
  weir-bench run unix:/run/weir.sock --connections 64 --requests 100000`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := geoMix(entities)
			if err != nil {
				return err
			}
			cfg.Source = m.WithMutations(mutations)
			if rate > 0 {
				cfg.Arrivals = arrival.Constant(rate)
			}
			for _, raw := range args {
				t, err := load.ParseTarget(raw)
				if err != nil {
					return err
				}
				cfg.Targets = append(cfg.Targets, t)
			}
			if check {
				cfg.Ledger = load.NewLedger()
			}
			r, err := load.New(cfg)
			if err != nil {
				return err
			}
			if err := r.Run(cmd.Context()); err != nil {
				return err
			}
			report := r.Result()
			s := &report.Total
			if asJSON {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(&report)
			} else {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d requests, %.0f/s, hits %.1f %%, p50 %d µs, p99 %d µs, max %d µs, errors %d, %.2f µs of processor time each\n",
					s.Requests, s.Rate, 100*s.HitRatio(), s.Latency.At(50), s.Latency.At(99), s.Latency.Max(), s.Errors, report.Generator.CPUPerRequest)
			}
			if err == nil && (s.Errors > 0 || s.StaleEntities > 0) {
				return fmt.Errorf("%d errors %v, %d stale entities", s.Errors, s.Failures, s.StaleEntities)
			}
			return err
		},
	}
	f := cmd.Flags()
	f.IntVar(&cfg.Connections, "connections", 16, "keep-alive connections in all")
	f.Float64Var(&rate, "rate", 0, "requests per second in all (open loop); 0: closed loop")
	f.DurationVar(&cfg.Duration, "duration", 10*time.Second, "end after so long; 0: never")
	f.Int64Var(&cfg.Requests, "requests", 0, "end after so many; 0: no bound")
	f.DurationVar(&cfg.Timeout, "timeout", 5*time.Second, "of one request")
	f.Float64Var(&mutations, "mutations", 0, "share of mutations, 0..1")
	f.IntVar(&entities, "entities", 2000, "cities to draw from, by Zipf over their population rank")
	f.Uint64Var(&cfg.Seed, "seed", 1, "the same seed sends the same requests")
	f.BoolVar(&check, "check-staleness", false, "compare versions read with versions acknowledged; exit 1 when one is stale")
	f.BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func geoMix(entities int) (*load.Mix, error) {
	cities, err := origin.TopCities(entities)
	if err != nil {
		return nil, err
	}
	countries, err := origin.CountryCodes()
	if err != nil {
		return nil, err
	}
	return load.NewMix(cities, countries, load.Operations())
}
