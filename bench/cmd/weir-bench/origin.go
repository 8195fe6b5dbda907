package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirproxy/weir/bench/internal/drive"
	"github.com/weirproxy/weir/bench/internal/origin"
	"github.com/weirproxy/weir/bench/internal/origin/fault"
)

// drainWithin is how long an interrupted origin waits for requests under way.
const drainWithin = 5 * time.Second

func originLong() string {
	return `Serve a GraphQL service at /graphql until interrupted: GeoNames cities and countries with mutations and subscriptions, or a schema made from a seed.
What it does is decided by --seed and the order of the requests, never by chance, so a measurement can be compared with the truth.

Latency (--latency, adds up when given more than once; DISTRIBUTION is the same for --size):
  ` + strings.ReplaceAll(origin.LatencyForm, ", ", "\n  ") + `
stall:1s/10s makes every request that arrives in the last second of each 10 s wait for the end of that second.

Faults (--fault, may be given more than once; the first that hits a request decides): ` + fault.Form + `
KIND is one of
  ` + strings.ReplaceAll(strings.TrimSpace(fault.Kinds()), "\n", "\n  ") + `
OPERATION is a kind (mutation), a kind and root field (query.city), the name of an operation, or batch. Times count from the start, or from the change.

While it runs:
  GET, PUT, DELETE /_origin/faults    {"rules":["10s..15s:reset=mid-body@0.2"],"latency":["5ms"],"delay_ms":0,"error_rate":0,"down":false}
  GET, DELETE /_origin/counters       executed operations, and faults by kind
  GET, DELETE /_origin/truth          the same with requests, errors, bytes, burnt processor time, waits and subscriptions
  GET /_origin/schema                 the schema (SDL)

Subscriptions (tick, populationChanged): graphql-transport-ws, graphql-ws, and server-sent events (Accept: text/event-stream), all at /graphql.`
}

const originExample = `  weir-bench origin --write-schema schema.graphql                               # GeoNames on 127.0.0.1:4000
  weir-bench origin --latency lognormal:p50=5ms,p99=50ms --latency 20ms#mutation
  weir-bench origin --latency stall:1s/10s                                      # the truth test of a load generator
  weir-bench origin --fault 10s..15s:reset=mid-body@0.2 --fault partial=City.admin@1%#query.city
  weir-bench origin --fault 20s..22s/1m:refuse --fault status=503,html@0.01     # refuse 2 s of each minute
  weir-bench origin --burn 20us --burn City.rank=500us                          # processor time by field; see /_origin/truth
  weir-bench origin --size lognormal:p50=4KiB,p99=256KiB
  weir-bench origin --generate types=20,fields=30,entities=100000 --seed 7 --listen unix:/tmp/origin.sock
  curl -X PUT 127.0.0.1:4000/_origin/faults -d '{"rules":["0s..5s:stall@0.5"]}'`

func newOrigin() *cobra.Command {
	var spec origin.Spec
	var schemaFile, faultsFile string
	cmd := &cobra.Command{
		Use:     "origin",
		Short:   "Serve a GraphQL service of known truth, with latency, faults and cost as asked",
		Long:    originLong(),
		Example: originExample,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if spec.Faults.ErrorRate < 0 || spec.Faults.ErrorRate > 1 || spec.Faults.DelayMS < 0 {
				return drive.Input(errors.New("--error-rate is 0..1 and --delay-ms not negative"))
			}
			if faultsFile != "" {
				for _, name := range []string{"fault", "delay-ms", "error-rate", "down"} {
					if cmd.Flags().Changed(name) {
						return drive.Input(fmt.Errorf("--faults-file %s and --%s: use one of them", faultsFile, name))
					}
				}
				var err error
				if spec.Faults, err = origin.ReadFaults(faultsFile); err != nil {
					return drive.Input(err)
				}
			}
			return serveOrigin(cmd, spec, schemaFile)
		},
	}
	f := cmd.Flags()
	f.StringVar(&spec.Listen, "listen", "127.0.0.1:4000", "HOST:PORT (port 0 takes a free one) or unix:PATH")
	f.StringVar(&schemaFile, "write-schema", "", "write the schema (SDL) to this file")
	f.Uint64Var(&spec.Seed, "seed", 1, "of everything that is drawn")
	f.StringVar(&spec.Generate, "generate", "", "a generated schema instead of GeoNames: types=8,fields=6,entities=1000,listSize=10")
	f.StringArrayVar(&spec.Latency, "latency", nil, "DISTRIBUTION[#OPERATION] or stall:DURATION/EVERY: wait before a request is executed")
	f.StringArrayVar(&spec.Burn, "burn", nil, "DURATION or TYPE.FIELD=DURATION: processor time each field uses, or this one")
	f.StringVar(&spec.Size, "size", "", "DISTRIBUTION: pad answers, in their extensions, to so many bytes")
	f.StringArrayVar(&spec.Faults.Rules, "fault", nil, fault.Form)
	f.StringVar(&faultsFile, "faults-file", "", "read what PUT /_origin/faults takes from this file (JSON)")
	f.IntVar(&spec.Faults.DelayMS, "delay-ms", 0, "wait before every answer")
	f.Float64Var(&spec.Faults.ErrorRate, "error-rate", 0, "share of requests answered 500, spread evenly")
	f.BoolVar(&spec.Faults.Down, "down", false, "close connections instead of answering")
	return cmd
}

// serveOrigin serves until the command's context ends, then stops in order.
func serveOrigin(cmd *cobra.Command, spec origin.Spec, schemaFile string) error {
	s, err := origin.Open(spec)
	if err != nil {
		return drive.Input(err)
	}
	if schemaFile != "" {
		if err := os.WriteFile(schemaFile, []byte(s.Schema()), 0o644); err != nil {
			return fmt.Errorf("write the schema: %w", err)
		}
	}
	if err := s.Start(); err != nil {
		return err
	}
	if path, unix := strings.CutPrefix(s.URL(), "unix:"); unix {
		fmt.Fprintf(cmd.OutOrStdout(), "origin on unix:%s, path /graphql\n", path)
	} else {
		fmt.Fprintf(cmd.OutOrStdout(), "origin on %s/graphql\n", s.URL())
	}
	<-cmd.Context().Done()
	ctx, cancel := context.WithTimeout(context.Background(), drainWithin)
	defer cancel()
	if err := s.Drain(ctx); err != nil {
		return err
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		fmt.Fprintf(cmd.ErrOrStderr(), "requests were still under way after %s and were cut off\n", drainWithin)
	}
	return nil
}
