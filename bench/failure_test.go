package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/bench/internal/arrival"
	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/origin"
	"github.com/weirproxy/weir/bench/internal/result"
	"github.com/weirproxy/weir/bench/internal/scrape"
	"github.com/weirproxy/weir/bench/internal/workload"
)

// TestFailures is about parts that are absent, die or are hurt while the shipped programs carry real traffic. Each case has an origin, sidecars and helpers of
// its own.
func TestFailures(t *testing.T) {
	programs := binaries(t)
	for _, c := range []struct {
		name string
		run  func(*world)
	}{
		{"redis absent at the start and arriving later", redisArrivesLater},
		{"redis killed and started again empty", redisKilled},
		{"redis restarted empty again and again", redisRestarted},
		{"redis frozen", redisFrozen},
		{"redis takes longer than a mutation waits for it", logIsSlow},
		{"kafka absent, then there, then dead, then back", kafkaComesAndGoes},
		{"kafka wants TLS and a user: a wrong password, a wrong authority", kafkaWantsTLSAndAUser},
		{"control plane absent, then there, then dead; the pushed policy outlives both", controlComesAndGoes},
		{"a pushed supergraph outlives its control plane", supergraphOutlivesItsControlPlane},
		{"commands have an effect and undo themselves", commandsUndoThemselves},
		{"invalidated by tenant, interface and everything", invalidatedByName},
		{"upstream dead at the start", upstreamDeadAtTheStart},
		{"upstream restarted under load", upstreamRestarted},
		{"sidecar killed", sidecarKilled},
		{"sidecar ended under load", sidecarEnded},
		{"hostile clients", hostileClients},
		{"changes of other systems come by kafka; the consuming sidecar is killed", changesOfOthers},
		{"redis, kafka and control plane mute", allMute},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(newWorld(t, programs))
		})
	}
}

const (
	failTime    = 20 * time.Second // for a condition to come true on a busy machine
	askTime     = 5 * time.Second
	pollEvery   = 20 * time.Millisecond
	worldCities = 200
	token       = "failure-tests-0123456789abcdef0123456789abcdef"
)

// world is what one case plays in.
type world struct {
	*testing.T
	programs fleet.Binaries
	dir      string
	schema   string // file
	origin   *origin.Server
	cities   []string
	ended    map[*fleet.Process]bool // by the test
}

func newWorld(t *testing.T, programs fleet.Binaries) *world {
	t.Helper()
	w := &world{T: t, programs: programs, dir: t.TempDir(), ended: map[*fleet.Process]bool{}}
	var err error
	if w.origin, err = origin.New(w.free()); err != nil {
		t.Fatal(err)
	}
	w.startOrigin()
	t.Cleanup(w.stopOrigin)
	if w.cities, err = origin.TopCities(worldCities); err != nil {
		t.Fatal(err)
	}
	w.schema = filepath.Join(w.dir, "schema.graphql")
	if err := os.WriteFile(w.schema, []byte(origin.Schema()), 0o644); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) startOrigin() {
	w.Helper()
	if err := w.origin.Start(); err != nil {
		w.Fatal(err)
	}
}

func (w *world) stopOrigin() {
	w.Helper()
	if err := w.origin.Stop(); err != nil {
		w.Fatal(err)
	}
}

func (w *world) free() string {
	w.Helper()
	address, err := fleet.FreeAddress()
	if err != nil {
		w.Fatal(err)
	}
	return address
}

// start starts a process that is ended with the test.
func (w *world) start(s fleet.Spec) *fleet.Process {
	w.Helper()
	s.Dir = w.dir
	ctx, cancel := context.WithTimeout(w.Context(), failTime)
	defer cancel()
	p, err := fleet.Start(ctx, s)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		if !w.ended[p] {
			w.stop(s.Name, p)
		}
		if raw, err := os.ReadFile(p.LogPath()); err != nil || bytes.Contains(raw, []byte("goroutine ")) {
			w.Errorf("%s crashed: %v\n%s", s.Name, err, raw)
		}
	})
	return p
}

// stop ends a process at the end of the test, when it must still be there.
func (w *world) stop(name string, p *fleet.Process) {
	select {
	case <-p.Done():
		w.Errorf("%s ended by itself", name)
	default:
	}
	if err := p.Stop(); err != nil {
		w.Errorf("%v\n%s", err, p.Tail())
	}
}

// end ends a process before the test does, by its Stop or Kill.
func (w *world) end(p *fleet.Process, how func() error) error {
	w.ended[p] = true
	return how()
}

// sidecar is a weir that can be ended and started again on the same addresses.
type sidecar struct {
	*fleet.Process
	w      *world
	name   string
	listen string
	admin  string
	args   []string
}

// sidecar starts weir with the schema's file; args are further flags.
func (w *world) sidecar(name string, args ...string) *sidecar {
	w.Helper()
	s := &sidecar{w: w, name: name, listen: w.free(), admin: w.free()}
	s.args = append([]string{
		"run", "--listen", s.listen, "--admin", s.admin, "--upstream", w.origin.URL(), "--schema", w.schema, "--service", "geo", "--instance", name,
		"--state", filepath.Join(w.dir, name+"-state"),
	}, args...)
	s.begin()
	return s
}

func (s *sidecar) begin() {
	s.w.Helper()
	s.Process = s.w.start(fleet.Spec{Name: s.name, Path: s.w.programs.Weir, Args: s.args, Ready: func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, err := scrape.Body(ctx, s.adminURL("/readyz"))
		return err
	}})
}

func (s *sidecar) adminURL(path string) string { return "http://" + s.admin + path }

func (s *sidecar) target() load.Target {
	return load.Target{Network: "tcp", Address: s.listen, Host: s.listen, Path: "/graphql"}
}

// metric is a sum over samples; 0 when there is none.
func (s *sidecar) metric(name string, pairs ...string) float64 {
	s.w.Helper()
	ctx, cancel := context.WithTimeout(s.w.Context(), askTime)
	defer cancel()
	m, err := scrape.Get(ctx, s.adminURL("/metrics"))
	if err != nil {
		s.w.Fatal(err)
	}
	v, _ := m.Sum(name, pairs...)
	return v
}

// until waits for a condition; it fails the test when that does not come.
func (w *world) until(what string, check func() error) {
	w.Helper()
	deadline := time.Now().Add(failTime)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			w.Fatalf("%s: %v", what, err)
		}
		<-tick.C
	}
}

// untilMetric waits until a metric has a value.
func (w *world) untilMetric(s *sidecar, want float64, name string, pairs ...string) {
	w.Helper()
	w.until(s.name+": "+name, func() error {
		if got := s.metric(name, pairs...); got != want {
			return fmt.Errorf("%v, want %v\n%s", got, want, s.Tail())
		}
		return nil
	})
}

// logged counts the lines of a sidecar's log that have all of the words.
func (s *sidecar) logged(words ...string) int {
	s.w.Helper()
	raw, err := os.ReadFile(s.LogPath())
	if err != nil {
		s.w.Fatal(err)
	}
	n := 0
lines:
	for line := range strings.Lines(string(raw)) {
		for _, word := range words {
			if !strings.Contains(line, word) {
				continue lines
			}
		}
		n++
	}
	return n
}

// post sends one GraphQL request over a connection of its own. An answer of any kind is no error.
func (s *sidecar) post(operation, query, variables string) (*load.Answer, error) {
	c := load.NewConn(s.target())
	defer c.Close()
	return c.Post(s.w.Context(), body(operation, query, variables), askTime)
}

func body(operation, query, variables string) []byte {
	return []byte(`{"operationName":` + strconv.Quote(operation) + `,"query":` + strconv.Quote(query) + `,"variables":` + variables + `}`)
}

// ask is post for a test that needs the answer.
func (s *sidecar) ask(operation, query, variables string) *load.Answer {
	s.w.Helper()
	a, err := s.post(operation, query, variables)
	if err != nil {
		s.w.Fatalf("%s: %v\n%s", s.name, err, s.Tail())
	}
	return a
}

const populationQuery = `query Population($id: ID!) { city(id: $id) { id revision population } }`

// population reads a city.
func (s *sidecar) population(id string) (int, *load.Answer) {
	s.w.Helper()
	a := s.ask("Population", populationQuery, `{"id":"`+id+`"}`)
	var got struct {
		Data struct{ City *struct{ Population int } }
	}
	if err := json.Unmarshal(a.Body, &got); err != nil || got.Data.City == nil {
		s.w.Fatalf("%s: %d %s %s", s.name, a.Status, a.WeirError, a.Body)
	}
	return got.Data.City.Population, a
}

// change sets a city's population and is acknowledged on return.
func (s *sidecar) change(id string, n int) *load.Answer {
	s.w.Helper()
	a := s.ask("Change", `mutation Change($id: ID!, $n: Int!) { setPopulation(id: $id, population: $n) { id revision population } }`,
		fmt.Sprintf(`{"id":"%s","n":%d}`, id, n))
	if !a.OK() {
		s.w.Fatalf("%s: mutation: %d %s %s", s.name, a.Status, a.WeirError, a.Body)
	}
	return a
}

// hit asks until a city comes from the cache.
func (s *sidecar) hit(id string) {
	s.w.Helper()
	s.w.until(s.name+" has a hit", func() error {
		if _, a := s.population(id); !a.Cache().Hit {
			return fmt.Errorf("Cache-Status %q", a.CacheStatus)
		}
		return nil
	})
}

// traffic is load that goes on in the background.
type traffic struct {
	w      *world
	runner *load.Runner
	cancel context.CancelFunc
	done   chan struct{}
}

// traffic starts a load of reads and, by share, mutations over some connections.
func (w *world) traffic(mutations float64, sidecars ...*sidecar) *traffic {
	w.Helper()
	geo, err := workload.GeoNames(workload.GeoOptions{Entities: 100, Mutations: mutations})
	if err != nil {
		w.Fatal(err)
	}
	c := load.Config{Source: geo, Connections: 2 * len(sidecars), Arrivals: arrival.Constant(100), Seed: 1}
	for _, s := range sidecars {
		c.Targets = append(c.Targets, s.target())
	}
	r, err := load.New(c)
	if err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.Context())
	f := &traffic{w: w, runner: r, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(f.done)
		if err := r.Run(ctx); err != nil {
			w.Errorf("the load ended: %v", err)
		}
	}()
	w.Cleanup(func() { f.end() })
	f.flows()
	return f
}

// flows waits for further answers and fails when one was an error.
func (f *traffic) flows() {
	f.w.Helper()
	before := f.runner.Result().Total
	f.w.until("traffic flows", func() error {
		r := f.runner.Result().Total
		if r.Errors > 0 {
			f.w.Fatalf("%d failed requests: %v after %d, the longest took %d µs", r.Errors, r.Failures, r.Requests, r.Latency.Max())
		}
		if r.Requests-r.Excused < before.Requests-before.Excused+20 {
			return fmt.Errorf("%d requests, %d excused", r.Requests, r.Excused)
		}
		return nil
	})
}

func (f *traffic) end() result.Stats {
	f.cancel()
	<-f.done
	return f.runner.Result().Total
}

// control runs weir-control on address with the state of this world.
func (w *world) control(address string) *fleet.Process {
	w.Helper()
	return w.start(fleet.Spec{
		Name: "weir-control", Path: w.programs.Control, Args: []string{"serve", "--listen", address, "--data", filepath.Join(w.dir, "control")},
		Env: []string{"WEIR_CONTROL_TOKEN=" + token}, Ready: fleet.Listens(address),
	})
}

// call runs weir-control as a client; stdin is a document for apply -f -.
func (w *world) call(address, stdin string, args ...string) string {
	w.Helper()
	cmd := exec.CommandContext(w.Context(), w.programs.Control, args...)
	cmd.Env = append(os.Environ(), "WEIR_CONTROL_TOKEN="+token, "WEIR_CONTROL_URL=http://"+address)
	cmd.Stdin = strings.NewReader(stdin)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		w.Fatalf("weir-control %v: %v\n%s%s", args, err, out, &errs)
	}
	return string(out)
}

// dial connects to a sidecar's data listener.
func (s *sidecar) dial() net.Conn {
	s.w.Helper()
	c, err := net.DialTimeout("tcp", s.listen, askTime)
	if err != nil {
		s.w.Fatal(err)
	}
	s.w.Cleanup(func() { c.Close() })
	return c
}
