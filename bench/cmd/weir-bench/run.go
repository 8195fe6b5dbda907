package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/weirproxy/weir/bench/internal/arrival"
	"github.com/weirproxy/weir/bench/internal/drive"
	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/result"
	"github.com/weirproxy/weir/bench/internal/subscribe"
	"github.com/weirproxy/weir/bench/internal/workload"
)

const exitCodes = `Exit codes: 0 everything held; 1 a threshold was missed, requests failed (where no threshold says how many may), the run was cut short or its
result could not be written; 2 wrong flags or input; 3 the target could not be reached, or died.
The first Ctrl-C ends the run in order and prints what it has, marked as partial; the second kills it.`

func newRun() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run URL…",
		Short: "Send GraphQL load to one or more servers and judge the answers",
		Long: `Send GraphQL load to one or more servers, http://HOST:PORT[/PATH] or unix:PATH, and judge the answers.

Without --rate or --arrivals each connection sends its next request when the last is answered (closed loop). With them requests are due at their own times
(open loop) and latency counts from these, so that a server that stalls shows its whole queue.

A workload file (-w) says what is sent, or --query one document. Without both it is the built-in workload "geonames", for the schema of "weir-bench origin".

Conditions of --threshold (or --slo): p50|p90|p99|p99.9|max|mean=5ms, errors=0.1%, rate=1000 (at least), hits=90% (at least), and City:p99=10ms for one
operation. --find-max looks for the highest rate at which they hold: it doubles the rate (from --rate, or 100/s) until a step misses, closes in by bisection,
and checks the final rate again.

` + exitCodes,
		Example: `  weir-bench run http://127.0.0.1:8080/graphql --query 'query City($id: ID!) { city(id: $id) { name } }' --variables '{"id": {"zipf": {"n": 5000}}}'
  weir-bench run http://127.0.0.1:8080/graphql -w workload.yaml --duration 30s
  weir-bench run http://127.0.0.1:8080 --rate 2000 --threshold p99=5ms,errors=0.1% --out result.json
  weir-bench run http://127.0.0.1:8080 --find-max --slo p99=5ms,errors=0.1%
  weir-bench run http://127.0.0.1:8080 --arrivals ramp:100..2000/30s
  weir-bench run http://127.0.0.1:8080 http://127.0.0.1:8081 --rate 2000 --mutations 0.02 --check-staleness --json
  weir-bench run http://127.0.0.1:8080 --wait 30s --warmup 5s --threshold p99=20ms   # right after a deployment
  weir-bench run unix:/run/weir.sock --connections 64 --requests 100000`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return drive.Input(errors.New("run requires at least 1 URL: http://HOST:PORT[/PATH] or unix:PATH"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := f.config(cmd, args)
			if err != nil {
				return drive.Input(err)
			}
			if f.workload == "" && f.query.document == "" && !f.drive.quiet {
				fmt.Fprintln(cmd.ErrOrStderr(), `sending the built-in workload "geonames", for the schema of "weir-bench origin"; --query or -w FILE send operations of your own`)
			}
			return f.drive.run(cmd, cfg)
		},
	}
	f.register(cmd.Flags())
	return cmd
}

// runFlags are what may be said about a run.
type runFlags struct {
	drive    driveFlags
	load     load.Config
	workload string
	query    inlineFlags
	rate     float64
	arrivals string
	findMax  string
	search   drive.Search
	geo      workload.GeoOptions
	check    bool
}

// inlineFlags say what is sent without a workload file.
type inlineFlags struct {
	document, variables string
	headers             []string
}

const (
	findConstant, findPoisson = "constant", "poisson"
	closedConnections         = 16
	openConnections           = 64 // a slow answer must not keep the next request waiting
	runTime                   = 10 * time.Second
	stepWarmup                = time.Second
)

func (f *runFlags) register(s *pflag.FlagSet) {
	s.StringVarP(&f.workload, "workload", "w", "", `workload file (YAML); none: the built-in "geonames"`)
	s.StringVar(&f.query.document, "query", "", "send this one GraphQL document instead of a workload")
	s.StringVar(&f.query.variables, "variables", "", `of --query: a JSON object; values may be generators, like {"id": {"zipf": {"n": 1000}}}`)
	s.StringArrayVarP(&f.query.headers, "header", "H", nil, `of --query: "NAME: VALUE" (may be given again)`)
	s.IntVarP(&f.load.Connections, "connections", "c", 0, "keep-alive connections in all; 0: 16, or 64 in an open loop")
	s.Float64Var(&f.rate, "rate", 0, "requests per second in all, short for --arrivals constant:RATE; with --find-max the first rate")
	s.StringVar(&f.arrivals, "arrivals", "", "when requests are due: constant:1000, poisson:1000, ramp:100..2000/30s, steps:500/10s,1000/10s, poisson-ramp:…")
	s.DurationVarP(&f.load.Duration, "duration", "d", runTime, "end after so long; 0: never (also the default with --requests)")
	s.DurationVar(&f.load.Warmup, "warmup", 0, "send for so long before the counting begins (1s with --find-max)")
	s.Int64Var(&f.load.Requests, "requests", 0, "end after so many; 0: no bound")
	s.DurationVar(&f.load.Timeout, "timeout", 5*time.Second, "of one request")
	s.DurationVar(&f.load.GiveUp, "give-up", 6*time.Second, "end when nothing was answered for so long; 0: never")
	s.IntVar(&f.load.Threads, "threads", 1, "event loops of the generator; it says when it needs more")
	s.Uint64Var(&f.load.Seed, "seed", 1, "the same seed sends the same requests")
	s.StringVar(&f.findMax, "find-max", "", "find the highest rate at which --slo holds, with constant or poisson arrivals")
	s.Lookup("find-max").NoOptDefVal = findConstant
	s.DurationVar(&f.search.Step, "step-duration", 5*time.Second, "of one step of --find-max, after its warm-up")
	s.Float64Var(&f.search.Tolerance, "tolerance", 0.05, "--find-max ends when what held and what missed are so close, as a share")
	s.IntVar(&f.geo.Entities, "entities", 2000, "of the built-in workload: cities to draw from, by Zipf over their population rank")
	s.Float64Var(&f.geo.Mutations, "mutations", 0, "of the built-in workload: share of mutations, 0..1")
	s.BoolVar(&f.check, "check-staleness", false, "of the built-in workload: compare versions read with versions acknowledged; exit 1 when one is stale")
	f.drive.register(s)
}

// config is what the flags come to.
func (f *runFlags) config(cmd *cobra.Command, urls []string) (drive.Config, error) {
	cfg := drive.Config{Load: f.load}
	l := &cfg.Load
	for _, raw := range urls {
		t, err := load.ParseTarget(raw)
		if err != nil {
			return cfg, err
		}
		l.Targets = append(l.Targets, t)
	}
	w, err := f.requests(cmd)
	if err != nil {
		return cfg, err
	}
	l.Source, cfg.Workload, cfg.Streams = w, w.Name(), streams(w.Subscriptions(), l.Targets)
	if f.check {
		l.Ledger = load.NewLedger()
	}
	changed := cmd.Flags().Changed
	if l.Requests > 0 && !changed("duration") {
		l.Duration = 0
	}
	if !changed("give-up") {
		l.GiveUp = max(l.GiveUp, l.Timeout+time.Second)
	}
	if err := f.pace(&cfg, changed); err != nil {
		return cfg, err
	}
	if l.Connections == 0 {
		if l.Connections = closedConnections; l.Arrivals != nil || cfg.Search != nil {
			l.Connections = openConnections
		}
		l.Connections = max(l.Connections, len(l.Targets))
	}
	return cfg, f.drive.apply(&cfg)
}

// pace says when requests are due.
func (f *runFlags) pace(cfg *drive.Config, changed func(string) bool) (err error) {
	switch {
	case f.rate < 0:
		return fmt.Errorf("--rate %v: a rate is above 0", f.rate)
	case f.arrivals != "" && (f.rate > 0 || f.findMax != ""):
		return errors.New("--arrivals says all about the rate: leave --rate and --find-max away, or it")
	case f.findMax != "":
		return f.find(cfg, changed)
	case changed("step-duration"), changed("tolerance"):
		return errors.New("--step-duration and --tolerance belong to --find-max: add it")
	case f.rate > 0:
		cfg.Load.Arrivals = arrival.Constant(f.rate)
	case f.arrivals != "":
		cfg.Load.Arrivals, err = arrival.Parse(f.arrivals)
	}
	return err
}

func (f *runFlags) find(cfg *drive.Config, changed func(string) bool) error {
	switch {
	case f.findMax != findConstant && f.findMax != findPoisson:
		return fmt.Errorf("--find-max=%s: write --find-max, --find-max=%s or --find-max=%s", f.findMax, findConstant, findPoisson)
	case f.load.Requests > 0 || changed("duration"):
		return errors.New("--find-max makes steps of --step-duration: leave --requests and --duration away")
	}
	if !changed("warmup") {
		cfg.Load.Warmup = stepWarmup
	}
	f.search.Poisson, f.search.Start = f.findMax == findPoisson, f.rate
	cfg.Search = &f.search
	return nil
}

// requests is the workload.
func (f *runFlags) requests(cmd *cobra.Command) (*workload.Workload, error) {
	inline := cmd.Flags().Changed("query")
	switch {
	case inline && f.workload != "":
		return nil, errors.New("--query and --workload both say what is sent: keep one")
	case !inline && (f.query.variables != "" || len(f.query.headers) > 0):
		return nil, errors.New("--variables and --header belong to --query: add it, or write them into the workload file")
	case !inline && f.workload == "":
		return workload.GeoNames(f.geo)
	}
	what := f.workload + " says what is sent"
	if inline {
		what = "--query says what is sent"
	}
	for _, name := range []string{"entities", "mutations", "check-staleness"} {
		if cmd.Flags().Changed(name) {
			return nil, fmt.Errorf("--%s is of the built-in workload: leave it away, %s", name, what)
		}
	}
	if inline {
		return workload.Inline(f.query.document, f.query.variables, f.query.headers)
	}
	return workload.Load(f.workload)
}

// streams are the subscriptions of a workload, spread evenly over the targets.
func streams(list []workload.Subscription, targets []load.Target) (all []drive.Stream) {
	for _, s := range list {
		headers := map[string]string{}
		for _, h := range s.Headers {
			headers[h.Name] = h.Value
		}
		open := max(1, s.Open)
		for i, t := range targets {
			part := open*(i+1)/len(targets) - open*i/len(targets)
			if part == 0 {
				continue
			}
			c := subscribe.Config{
				Target: t, Name: s.Name, Document: s.Document, Variables: s.Variables, Protocol: s.Protocol, Open: part, Headers: headers, TimePath: s.TimePath,
				Init: s.Init,
			}
			all = append(all, func(ctx context.Context, count func(open, events int64), failed func(string, error)) (*result.Subscriptions, error) {
				c := c
				c.OnFailure = failed
				return subscribe.Run(ctx, c, count)
			})
		}
	}
	return all
}

// driveFlags say what is not of the requests: when they begin, and what becomes of their figures.
type driveFlags struct {
	wait        time.Duration
	out         string
	json, quiet bool
	thresholds  []string
	slo         []string
}

func (d *driveFlags) register(s *pflag.FlagSet) {
	s.DurationVar(&d.wait, "wait", 0, "wait for a server that is about to start, until it accepts connections, so long at most")
	s.StringArrayVar(&d.thresholds, "threshold", nil, "condition that decides the exit code, like p99=5ms,errors=0.1% (may be given again)")
	s.StringArrayVar(&d.slo, "slo", nil, "the same as --threshold")
	s.StringVarP(&d.out, "out", "o", "", "write the result to this file, for weir-bench report")
	s.BoolVar(&d.json, "json", false, "print the result as one JSON object")
	s.BoolVarP(&d.quiet, "quiet", "q", false, "no progress")
}

func (d *driveFlags) apply(cfg *drive.Config) (err error) {
	cfg.Await, cfg.Out, cfg.JSON, cfg.Quiet, cfg.Version = d.wait, d.out, d.json, d.quiet, version
	cfg.Command = append([]string{"weir-bench"}, os.Args[1:]...)
	if texts := append(append([]string(nil), d.thresholds...), d.slo...); len(texts) > 0 {
		cfg.Thresholds, err = drive.ParseThresholds(texts...)
	}
	return err
}

// run does it. Progress goes to the standard error, so that the result alone is on the standard output.
func (d *driveFlags) run(cmd *cobra.Command, cfg drive.Config) error {
	if terminal := int(os.Stderr.Fd()); cmd.ErrOrStderr() == os.Stderr && term.IsTerminal(terminal) {
		cfg.Width = func() int {
			if width, _, err := term.GetSize(terminal); err == nil {
				return width
			}
			return otherWidth
		}
	}
	// The first signal ends the context and with it the run; from then on the next one is the system's, which kills.
	ctx, end := context.WithCancel(context.WithoutCancel(cmd.Context()))
	defer end()
	stop := context.AfterFunc(cmd.Context(), func() {
		signal.Reset(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
		end()
	})
	defer stop()
	_, err := drive.Run(ctx, cfg, cmd.OutOrStdout(), cmd.ErrOrStderr())
	return unsaid(err)
}

// unsaid is the error of a run without what was printed already.
func unsaid(err error) error {
	if errors.Is(err, drive.ErrMissed) && drive.ExitCode(err) == drive.ExitMissed {
		return errFailed
	}
	return err
}
