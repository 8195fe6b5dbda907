package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/weirproxy/weir/bench/internal/arrival"
	"github.com/weirproxy/weir/bench/internal/drive"
	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/replay"
	"github.com/weirproxy/weir/bench/internal/workload"
	"github.com/weirproxy/weir/telemetry/event"
)

func newReplay() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:   "replay FILE|--kafka HOST:PORT --target URL",
		Short: "Send recorded requests again: a HAR file, a log of requests, or the mix of Weir's cost events",
		Long: `Send recorded GraphQL requests again, in their order and at their times, and judge the answers. FILE may be gzipped; - is the standard input. What it is
shows in its content, else --format says it:

har     a browser's export. GraphQL requests are found by content type, body and URL. They go to the target's path and host; cookies, tokens and what looks
        like them stay behind unless --keep-credentials is given (-H adds fresh ones).
log     one JSON object a line: time (RFC 3339, or Unix time in s, ms, µs, ns), query, operationName, variables, extensions – or body, or method GET and url –
        and headers. For example:
` + replay.LogForm + `
events  Weir's cost events, one a line, as on the topic finops.cost.events. They hold no documents and no variables: those come from the workload file (-w) by the
        operation's name or hash; without -w from the built-in "geonames". Operations without a document are named and left out. With --kafka in place of FILE they
        are read from the topic, from its beginning to its present end.

What cannot be sent (subscriptions, uploads, broken lines) is counted with the line of its first. With --mix requests are drawn by their share, with independent
arrivals at the recorded mean rate; with --arrivals they keep their order and take other times.

` + exitCodes,
		Example: `  weir-bench replay shop.har --target http://127.0.0.1:8080/graphql
  weir-bench replay requests.ndjson --target http://127.0.0.1:8080 --speed 2 --loop 3 --threshold p99=20ms
  weir-bench replay events.ndjson -w workload.yaml --target http://127.0.0.1:8080 --mix --max-duration 1m --out result.json
  weir-bench replay --kafka 127.0.0.1:9092 --max-records 100000 -w workload.yaml --target http://127.0.0.1:8080 --speed 10
  zcat requests.ndjson.gz | weir-bench replay - --target unix:/run/weir.sock --arrivals poisson:500 -H 'Authorization: Bearer test'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 1) == (len(f.kafka) == 0) && len(args) < 2 {
				return nil
			}
			return drive.Input(errors.New("replay takes one FILE: a HAR file, a log of requests or cost events, - is the standard input; or --kafka and no FILE"))
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := f.config(cmd, strings.Join(args, ""))
			if err != nil {
				return drive.Input(err)
			}
			return f.drive.run(cmd, cfg)
		},
	}
	f.register(cmd.Flags())
	return cmd
}

// replayFlags are what may be said about a replay.
type replayFlags struct {
	drive    driveFlags
	load     load.Config
	recorded replay.Options
	target   string
	workload string
	arrivals string
	format   string
	headers  []string
	kafka    []string
	topic    string
	speed    float64
	loops    int
	mix      bool
}

func (f *replayFlags) register(s *pflag.FlagSet) {
	s.StringVar(&f.target, "target", "", "http://HOST:PORT[/PATH] or unix:PATH")
	s.StringVar(&f.format, "format", "", "har, log or events, where the content does not show it")
	s.StringSliceVar(&f.kafka, "kafka", nil, "read cost events from this Kafka (HOST:PORT[,…]) instead of a file")
	s.StringVar(&f.topic, "topic", event.CostTopic, "with --kafka: the topic of the events")
	s.StringVarP(&f.workload, "workload", "w", "", "workload file with the documents of cost events")
	s.Float64Var(&f.speed, "speed", 1, "so many times as fast as recorded")
	s.IntVar(&f.loops, "loop", 1, "so many times in a row")
	s.BoolVar(&f.mix, "mix", false, "keep the mix and the mean rate alone: requests are drawn, arrivals independent")
	s.StringVar(&f.arrivals, "arrivals", "", "other times than the recorded ones: "+arrival.Forms)
	s.DurationVar(&f.load.Duration, "max-duration", 0, "end after so long; 0: when all was sent")
	s.IntVar(&f.recorded.MaxRecords, "max-records", 0, "read so many requests at most; 0: all")
	s.StringVar(&f.recorded.Match, "match", "", "only requests whose URL contains this")
	s.BoolVar(&f.recorded.KeepCredentials, "keep-credentials", false, "send recorded cookies, tokens and the like too")
	s.StringArrayVarP(&f.headers, "header", "H", nil, "NAME: VALUE, sent with every request in place of the recorded field (may be given again)")
	s.IntVarP(&f.load.Connections, "connections", "c", openConnections, "keep-alive connections in all")
	s.DurationVar(&f.load.Timeout, "timeout", 5*time.Second, "of one request")
	s.DurationVar(&f.load.GiveUp, "give-up", 6*time.Second, "end when nothing was answered for so long; 0: never")
	s.Uint64Var(&f.load.Seed, "seed", 1, "of --mix and of the workload's values")
	f.drive.register(s)
}

// config is what the flags come to; the recording is read for it.
func (f *replayFlags) config(cmd *cobra.Command, file string) (drive.Config, error) {
	if file == "" {
		file = "kafka topic " + f.topic
	}
	cfg := drive.Config{Load: f.load, Workload: file, Title: "replay"}
	if err := f.check(); err != nil {
		return cfg, err
	}
	target, err := load.ParseTarget(f.target)
	if err != nil {
		return cfg, err
	}
	cfg.Load.Targets = []load.Target{target}
	if !cmd.Flags().Changed("give-up") {
		cfg.Load.GiveUp = max(cfg.Load.GiveUp, cfg.Load.Timeout+time.Second)
	}
	say := cmd.ErrOrStderr()
	if f.drive.quiet {
		say = io.Discard
	}
	rec, err := f.read(cmd.Context(), file, say)
	if err != nil {
		return cfg, err
	}
	for _, s := range rec.Skips {
		fmt.Fprintf(say, "left out: %d × %s, first %s\n", s.Count, s.Why, s.First)
	}
	if rec, err = f.source(&cfg, rec, say); err != nil {
		return cfg, err
	}
	if err := f.pace(&cfg, rec); err != nil {
		return cfg, err
	}
	fmt.Fprintf(say, "replaying %d requests recorded in %v (%.1f per second on average)\n", rec.Len(), rec.Duration().Round(time.Millisecond), rec.Rate())
	return cfg, f.drive.apply(&cfg)
}

func (f *replayFlags) check() error {
	switch {
	case f.target == "":
		return errors.New("--target is needed: http://HOST:PORT[/PATH] or unix:PATH")
	case !(f.speed > 0):
		return fmt.Errorf("--speed %v: it is above 0; 2 is twice as fast", f.speed)
	case f.loops < 1:
		return fmt.Errorf("--loop %d: it is 1 or more", f.loops)
	case f.recorded.MaxRecords < 0 || f.load.Duration < 0:
		return errors.New("--max-records and --max-duration cannot be negative")
	case f.arrivals != "" && f.speed != 1:
		return errors.New("--arrivals says all about the rate: leave --speed away, or it")
	}
	return nil
}

func (f *replayFlags) read(ctx context.Context, file string, say io.Writer) (*replay.Recording, error) {
	o := f.recorded
	o.Format, o.Untimed = replay.Format(f.format), f.arrivals != ""
	for _, line := range f.headers {
		h, err := replay.ParseHeader(line)
		if err != nil {
			return nil, err
		}
		o.Headers = append(o.Headers, h)
	}
	told := time.Now()
	o.Progress = func(records int) {
		if time.Since(told) >= time.Second {
			told = time.Now()
			fmt.Fprintf(say, "reading %s: %d requests\n", file, records)
		}
	}
	if len(f.kafka) > 0 {
		return replay.OpenKafka(ctx, f.kafka, f.topic, o)
	}
	return replay.Open(file, o)
}

// source takes the requests from the recording, or for cost events from a workload.
func (f *replayFlags) source(cfg *drive.Config, rec *replay.Recording, say io.Writer) (*replay.Recording, error) {
	if rec.Format != replay.Events {
		if f.workload != "" {
			return nil, fmt.Errorf("-w %s: a workload gives documents to cost events; %s holds its own", f.workload, rec.Name)
		}
		cfg.Load.Source = rec.Source(f.mix)
		return rec, nil
	}
	if len(f.headers) > 0 {
		return nil, errors.New("-H does not reach requests of a workload: put the header into the workload file")
	}
	w, err := f.documents()
	if err != nil {
		return nil, err
	}
	joined, operations, missing := rec.Join(w)
	for i, m := range missing {
		if i == 20 {
			fmt.Fprintf(say, "and %d more operations without a document\n", len(missing)-i)
			break
		}
		fmt.Fprintf(say, "no document: %s (%s), %d events: %s\n", m.Name, m.Operation.Kind, m.Count, m.Why)
	}
	if joined.Len() == 0 {
		return nil, fmt.Errorf("%s: none of its %d operations has a document in the workload %s; name them there as the events do (for example %q)",
			rec.Name, len(rec.Operations()), w.Name(), missing[0].Name)
	}
	operations.Mix = f.mix
	cfg.Load.Source = operations
	return joined, nil
}

func (f *replayFlags) documents() (*workload.Workload, error) {
	if f.workload == "" {
		return workload.GeoNames(workload.GeoOptions{Mutations: 0.05})
	}
	return workload.Load(f.workload)
}

// pace says when requests are due.
func (f *replayFlags) pace(cfg *drive.Config, rec *replay.Recording) (err error) {
	l := &cfg.Load
	l.Threads = 1 // the order is one thread's
	switch {
	case f.arrivals != "":
		l.Requests = int64(rec.Len()) * int64(f.loops)
		l.Arrivals, err = arrival.Parse(f.arrivals)
	case f.mix && rec.Rate() == 0:
		return fmt.Errorf("%s: %d requests without time between them have no rate; say one with --arrivals poisson:100", rec.Name, rec.Len())
	case f.mix:
		l.Requests = int64(rec.Len()) * int64(f.loops)
		l.Arrivals = arrival.Poisson(readable(rec.Rate() * f.speed))
	default:
		l.Arrivals = rec.Plan(f.speed, f.loops)
	}
	return err
}

// readable rounds a rate to four digits: nobody reads more in a result.
func readable(rate float64) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(rate, 'g', 4, 64), 64)
	if err != nil {
		return rate
	}
	return rounded
}
