package compare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/weirproxy/weir/bench/internal/broker"
	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/origin"
	"github.com/weirproxy/weir/bench/internal/reference"
	"github.com/weirproxy/weir/bench/internal/result"
)

// Config of a comparison.
type Config struct {
	Binaries  fleet.Binaries
	Instances int           // of every process; the result is the median over them
	Rounds    int           // per instance
	Piece     time.Duration // of one measurement
	Out       io.Writer     // progress; nil: none
}

const (
	connections         = 64
	entities            = 1000
	bodyBytes           = 612
	small, large        = 1 << 10, 16 << 10
	serverCPU, otherCPU = 2, 1
	warmPasses          = 8
	warmRequests        = 10_000
	pieceRequests       = 3_000 // a piece has at least so many
	pieceTries          = 40
	requestTimeout      = 10 * time.Second
)

// Subjects, by the name in the result.
const (
	constSmall = "const 1 KiB"
	constLarge = "const 16 KiB"
	minproxy   = "minproxy 1 KiB"
	hitSmall   = "weir hit 1 KiB"
	hitKafka   = "weir hit 1 KiB, Kafka"
	hitLarge   = "weir hit 16 KiB"
	relay      = "weir relay 1 KiB"
)

// subject is one running server.
type subject struct {
	name   string
	pid    int
	target load.Target
	weir   *fleet.Sidecar // nil for references
}

// bench is one set of process instances.
type bench struct {
	cfg      Config
	dir      string
	stops    []func() error
	subjects []*subject
	mix      *load.Mix
}

// Run measures and evaluates. The error says what kept it from measuring; a missed gate is in the result.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	if cfg.Instances < 1 || cfg.Rounds < 1 || cfg.Piece < 50*time.Millisecond {
		return nil, errors.New("compare: at least 1 instance, 1 round and pieces of 50 ms are needed")
	}
	if cfg.Out == nil {
		cfg.Out = io.Discard
	}
	if err := fleet.PinSelf(otherCPU); err != nil {
		return nil, err
	}
	m, err := mix()
	if err != nil {
		return nil, err
	}
	res := newResult()
	for i := range cfg.Instances {
		fmt.Fprintf(cfg.Out, "instance %d of %d\n", i+1, cfg.Instances)
		if err := runInstance(ctx, cfg, m, res); err != nil {
			return nil, err
		}
	}
	res.evaluate()
	return res, nil
}

func runInstance(ctx context.Context, cfg Config, m *load.Mix, res *Result) (err error) {
	dir, err := os.MkdirTemp("", "weir-compare-")
	if err != nil {
		return err
	}
	b := &bench{cfg: cfg, dir: dir, mix: m}
	b.stops = append(b.stops, func() error { return os.RemoveAll(dir) })
	defer func() {
		for _, stop := range slices.Backward(b.stops) {
			err = errors.Join(err, stop())
		}
	}()
	if err := b.start(ctx); err != nil {
		return err
	}
	for _, s := range b.subjects {
		if err := b.warm(ctx, s); err != nil {
			return err
		}
	}
	for range cfg.Rounds {
		round := map[string]float64{}
		for _, s := range b.subjects {
			us, err := b.piece(ctx, s)
			if err != nil {
				return err
			}
			round[s.name] = us
		}
		res.rounds = append(res.rounds, round)
	}
	for _, s := range b.subjects {
		if s.name != hitSmall && s.name != relay {
			continue
		}
		used, err := b.heap(ctx, s)
		if err != nil {
			return err
		}
		res.heap[s.name] = append(res.heap[s.name], used)
	}
	return nil
}

// mix is one operation with a body of 612 bytes over 1,000 cities.
func mix() (*load.Mix, error) {
	cities, err := origin.TopCities(entities)
	if err != nil {
		return nil, err
	}
	countries, err := origin.CountryCodes()
	if err != nil {
		return nil, err
	}
	op := load.Operations()[0]
	empty, err := load.NewMix(cities, countries, []load.Operation{op})
	if err != nil {
		return nil, err
	}
	for missing := bodyBytes - len(op.AppendBody(nil, empty.Draw(1, 1))); missing > 0; missing-- {
		op.Document += " "
	}
	return load.NewMix(cities, countries, []load.Operation{op})
}

// start starts the references, the upstreams, and Weir in its shapes.
func (b *bench) start(ctx context.Context) error {
	upstream := map[int]string{}
	for _, size := range []int{small, large} {
		address, _, err := b.reference(ctx, fmt.Sprintf("upstream-%d", size), otherCPU, reference.Constant, size, "")
		if err != nil {
			return err
		}
		upstream[size] = address
	}
	for _, r := range []struct {
		name string
		kind reference.Kind
		size int
	}{{constSmall, reference.Constant, small}, {constLarge, reference.Constant, large}, {minproxy, reference.Proxy, small}} {
		address, p, err := b.reference(ctx, fmt.Sprintf("reference-%s-%d", r.kind, r.size), serverCPU, r.kind, r.size, upstream[small])
		if err != nil {
			return err
		}
		if err := b.add(r.name, "http://"+address, p.PID(), nil); err != nil {
			return err
		}
	}
	schema := filepath.Join(b.dir, "schema.graphql")
	if err := os.WriteFile(schema, []byte(origin.Schema()), 0o644); err != nil {
		return err
	}
	kafka, err := broker.Start()
	if err != nil {
		return err
	}
	b.stops = append(b.stops, func() error { kafka.Close(); return nil })
	for _, w := range []struct {
		name, instance string
		size           int
		kafka          []string
		args           []string
	}{
		{hitSmall, "hit", small, nil, nil},
		{hitKafka, "hit-kafka", small, kafka.Addresses(), nil},
		{hitLarge, "hit-large", large, nil, nil},
		{relay, "relay", small, nil, []string{"--cache", "off"}},
	} {
		s, err := fleet.StartSidecar(ctx, fleet.SidecarConfig{
			Binary: b.cfg.Binaries.Weir, Name: w.instance, Dir: b.dir, Upstream: "http://" + upstream[w.size], Schema: schema, Service: "compare",
			Kafka: w.kafka, Args: w.args, CPU: serverCPU,
		})
		if err != nil {
			return err
		}
		b.stops = append(b.stops, s.Stop)
		if err := b.add(w.name, s.URL(), s.PID(), s); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) add(name, url string, pid int, weir *fleet.Sidecar) error {
	target, err := load.ParseTarget(url)
	if err != nil {
		return err
	}
	b.subjects = append(b.subjects, &subject{name, pid, target, weir})
	return nil
}

func (b *bench) reference(ctx context.Context, name string, cpu int, k reference.Kind, size int, upstream string) (string, *fleet.Process, error) {
	address, err := fleet.FreeAddress()
	if err != nil {
		return "", nil, err
	}
	p, err := fleet.Start(ctx, fleet.Spec{
		Name: name, Path: b.cfg.Binaries.Bench, Dir: b.dir, CPU: cpu, Ready: fleet.Listens(address),
		Args: []string{"reference", "--kind", string(k), "--listen", address, "--size", strconv.Itoa(size), "--upstream", upstream},
	})
	if err != nil {
		return "", nil, err
	}
	b.stops = append(b.stops, p.Stop)
	return address, p, nil
}

func (b *bench) load(ctx context.Context, s *subject, seed uint64, requests int64, d time.Duration) (result.Stats, error) {
	r, err := load.New(load.Config{
		Targets: []load.Target{s.target}, Source: b.mix, Connections: connections, Requests: requests, Duration: d, Timeout: requestTimeout, Seed: seed,
	})
	if err != nil {
		return result.Stats{}, err
	}
	if err := r.Run(ctx); err != nil {
		return result.Stats{}, err
	}
	report := r.Result().Total
	if report.Errors > 0 {
		return report, fmt.Errorf("%s: %d of %d requests failed: %v", s.name, report.Errors, report.Requests, report.Failures)
	}
	return report, ctx.Err()
}

// warm sends requests until what can be cached is, and pools and plans are full.
func (b *bench) warm(ctx context.Context, s *subject) error {
	for pass := range warmPasses {
		report, err := b.load(ctx, s, uint64(pass+2), warmRequests, 0)
		if err != nil {
			return err
		}
		if pass > 0 && b.expectHits(s, &report) == nil {
			return nil
		}
	}
	return nil
}

// piece measures one piece: µs of processor time per request. On a busy machine it goes on until it has requests enough to mean something.
func (b *bench) piece(ctx context.Context, s *subject) (float64, error) {
	before, err := fleet.CPUTime(s.pid)
	if err != nil {
		return 0, err
	}
	requests := int64(0)
	for try := 0; requests < pieceRequests; try++ {
		if try == pieceTries {
			return 0, fmt.Errorf("%s: only %d requests in %d pieces of %s: the machine has no processor time left", s.name, requests, try, b.cfg.Piece)
		}
		report, err := b.load(ctx, s, 1, 0, b.cfg.Piece)
		if err != nil {
			return 0, err
		}
		if err := b.expectHits(s, &report); report.Requests > 0 && err != nil {
			return 0, err
		}
		requests += report.Requests
	}
	after, err := fleet.CPUTime(s.pid)
	if err != nil {
		return 0, err
	}
	return float64((after - before).Microseconds()) / float64(requests), nil
}

// expectHits keeps a comparison from calling something a hit that was none.
func (b *bench) expectHits(s *subject, r *result.Stats) error {
	switch s.name {
	case hitSmall, hitKafka, hitLarge:
		if r.HitRatio() < 0.99 {
			return fmt.Errorf("%s: only %d of %d answers were hits", s.name, r.Hits, r.Requests)
		}
	case relay:
		if r.Hits > 0 {
			return fmt.Errorf("%s: %d answers came from the cache", s.name, r.Hits)
		}
	}
	return nil
}

const (
	allocatedBytes        = "go_memstats_alloc_bytes_total"
	allocatedObjects      = "go_memstats_mallocs_total"
	fewRequests, moreOnes = 10_000, 60_000
)

// allocation is what a request takes from the heap.
type allocation struct{ bytes, objects float64 }

// heap measures what is allocated per request: the difference between a short and a long run over as many new connections, divided by the difference of their
// requests, so that what connections and the reading of metrics cost falls out.
func (b *bench) heap(ctx context.Context, s *subject) (allocation, error) {
	read := func() (a allocation, err error) {
		m, err := s.weir.Metrics(ctx)
		if err != nil {
			return a, err
		}
		var ok [2]bool
		a.bytes, ok[0] = m.Sum(allocatedBytes)
		a.objects, ok[1] = m.Sum(allocatedObjects)
		if !ok[0] || !ok[1] {
			return a, fmt.Errorf("%s: /metrics has no %s or %s", s.name, allocatedBytes, allocatedObjects)
		}
		return a, nil
	}
	var used [2]allocation
	for i, requests := range []int64{fewRequests, moreOnes} {
		before, err := read()
		if err != nil {
			return allocation{}, err
		}
		if _, err := b.load(ctx, s, 1, requests, 0); err != nil {
			return allocation{}, err
		}
		after, err := read()
		if err != nil {
			return allocation{}, err
		}
		used[i] = allocation{after.bytes - before.bytes, after.objects - before.objects}
	}
	const n = moreOnes - fewRequests
	return allocation{max(0, used[1].bytes-used[0].bytes) / n, max(0, used[1].objects-used[0].objects) / n}, nil
}
