package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirproxy/weir/bench/internal/drive"
	"github.com/weirproxy/weir/bench/internal/hitratio"
	"github.com/weirproxy/weir/bench/internal/keytrace"
	"github.com/weirproxy/weir/telemetry/event"
)

func newCache() *cobra.Command {
	var f cacheFlags
	cmd := &cobra.Command{
		Use:   "cache --trace FILE|--kafka HOST:PORT|--stats URL",
		Short: "Say what a cache of another size, or with other times to live, would have hit",
		Long: `Play a recorded trace against the cache that Weir serves from, for each size and time to live that is asked, and print hits, misses, evictions and what hits saved in
fetch time and money; beside it plain LRU, a clairvoyant cache and a bound that no cache can go beyond. FILE may be gzipped; - is the standard input; what it is
shows in its first line:

` + keytrace.Forms + `

With --kafka in place of --trace the events are read from the topic, from its beginning to its present end. With --stats nothing is played: the numbers of a running
sidecar are shown, the same as /metrics and /cache/stats have.`,
		Example: `  weir-bench cache --trace events.ndjson --memory 16MiB,64MiB,256MiB --ttl 30s,5m
  weir-bench cache --kafka 127.0.0.1:9092 --ttl 60s --out cache.json && weir-bench report cache.json --html cache.html
  weir-bench cache --stats http://127.0.0.1:9901
  weir-bench cache --trace zipf:0.8,keys=100000,scan=0.5 --memory 8MiB,32MiB,128MiB`,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	s := cmd.Flags()
	s.StringVar(&f.trace, "trace", "", "file of cost events or of keys, or zipf:… for random keys")
	s.StringSliceVar(&f.kafka, "kafka", nil, "read cost events from this Kafka (HOST:PORT[,…])")
	s.StringVar(&f.topic, "topic", event.CostTopic, "with --kafka: the topic of the events")
	s.StringVar(&f.stats, "stats", "", "show what a running sidecar has counted, by operation and tenant: http://HOST:PORT of its admin listener")
	s.StringSliceVar(&f.memory, "memory", []string{"16MiB", "64MiB", "256MiB"}, "sizes of the cache (policy key cache_memory)")
	s.StringSliceVar(&f.ttl, "ttl", nil, "times to live: 30s, 5m; recorded: each use's own (default: recorded where the trace tells them, else 60s)")
	s.Float64Var(&f.jitter, "jitter", 0.1, "share by which times to live are shortened at random, as weir does")
	s.IntVar(&f.maxUses, "max-records", 0, "read so many uses at most; 0: all")
	s.BoolVar(&f.alone, "only-weir", false, "leave LRU, clairvoyant and bound out")
	s.StringVarP(&f.out, "out", "o", "", "write the result to this file (JSON; weir-bench report makes tables and plots of it)")
	s.BoolVar(&f.json, "json", false, "print one JSON object instead of tables")
	return cmd
}

type cacheFlags struct {
	trace, topic, out  string
	stats              string
	kafka, memory, ttl []string
	jitter             float64
	maxUses            int
	alone, json        bool
}

const untoldTTL = time.Minute

func (f *cacheFlags) run(cmd *cobra.Command) error {
	say := cmd.ErrOrStderr()
	cfg, err := f.config(say)
	if err != nil {
		return drive.Input(err)
	}
	file := tablesFile()
	if f.stats != "" {
		tables, err := hitratio.Live(cmd.Context(), f.stats)
		return finishTables(cmd.OutOrStdout(), file, tables, err, f.out, f.json, false)
	}
	var t *keytrace.Trace
	if len(f.kafka) > 0 {
		t, err = keytrace.OpenKafka(cmd.Context(), f.kafka, f.topic, f.maxUses)
	} else {
		t, err = keytrace.Open(f.trace, f.maxUses)
	}
	if err != nil {
		return drive.Input(err)
	}
	for _, s := range t.Skips {
		fmt.Fprintf(say, "left out: %d × %s, first %s\n", s.Count, s.Why, s.First)
	}
	if len(cfg.TTL) == 0 {
		cfg.TTL = []time.Duration{untoldTTL}
		if t.Uses[0].TTL > 0 {
			cfg.TTL[0] = 0
		}
	}
	tables, err := hitratio.Tables(cmd.Context(), t, cfg)
	return finishTables(cmd.OutOrStdout(), file, tables, err, f.out, f.json, false)
}

func (f *cacheFlags) config(say io.Writer) (cfg hitratio.Config, err error) {
	cfg = hitratio.Config{
		Untold: untoldTTL, Jitter: f.jitter, Alone: f.alone,
		Told: func(format string, args ...any) { fmt.Fprintf(say, format+"\n", args...) },
	}
	switch {
	case f.stats != "" && (f.trace != "" || len(f.kafka) > 0):
		return cfg, errors.New("--stats shows what a sidecar counts, and plays no trace: leave --trace and --kafka away, or it")
	case f.stats != "":
		return cfg, nil
	case (f.trace == "") == (len(f.kafka) == 0):
		return cfg, errors.New("cache takes a trace: --trace FILE, --trace zipf:0.8 or --kafka HOST:PORT; weir-bench cache --help shows what a file may hold")
	case !(f.jitter >= 0 && f.jitter <= 0.5):
		return cfg, fmt.Errorf("--jitter %g: it is 0 to 0.5", f.jitter)
	case f.maxUses < 0:
		return cfg, errors.New("--max-records cannot be negative")
	case len(f.memory) == 0:
		return cfg, errors.New("--memory is empty; give sizes such as 64MiB,128MiB")
	}
	for _, text := range f.memory {
		n, err := parseSize(text)
		if err != nil || n < 64<<10 || n > 1<<40 {
			return cfg, fmt.Errorf("--memory %q: it is a size from 64KiB to 1024GiB, such as 64MiB", text)
		}
		cfg.Memory = append(cfg.Memory, n)
	}
	for _, text := range f.ttl {
		d, err := time.ParseDuration(text)
		if text == "recorded" {
			d, err = 0, nil
		} else if err == nil && d <= 0 {
			err = errors.New("not positive")
		}
		if err != nil {
			return cfg, fmt.Errorf("--ttl %q: it is a time such as 30s or 5m, or recorded", text)
		}
		cfg.TTL = append(cfg.TTL, d)
	}
	return cfg, nil
}

// parseSize reads a size as the configuration of weir writes it.
func parseSize(text string) (int64, error) {
	for i, unit := range []string{"KiB", "MiB", "GiB"} {
		if digits, ok := strings.CutSuffix(text, unit); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 32)
			return n << (10 * (i + 1)), err
		}
	}
	return strconv.ParseInt(text, 10, 64)
}
