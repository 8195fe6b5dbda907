package differential

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/bench/internal/subgraphs"
)

var gatewayCases = flag.Int("gateway-cases", 0, "operations to compare with Hive Gateway, too; it has to be installed in gateway/, by npm ci")

const (
	operationsPerGateway = 60 // operations of a world: a gateway takes long to load one
	gatewayTime          = 30 * time.Second
)

// gateway is Hive Gateway in a process of its own.
type gateway struct {
	url     string
	client  http.Client
	process *exec.Cmd
	input   io.Closer
}

func newGateway(t *testing.T) *gateway {
	t.Helper()
	if _, err := os.Stat(filepath.Join("gateway", "node_modules", ".bin", "node")); err != nil {
		t.Fatalf("Hive Gateway is not installed (%v). Install it: npm ci --prefix bench/internal/differential/gateway", err)
	}
	g := &gateway{client: http.Client{Timeout: gatewayTime, Transport: &http.Transport{}}}
	if err := g.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.stop)
	return g
}

func (g *gateway) start() error {
	g.process = exec.Command("node_modules/.bin/node", "server.mjs")
	g.process.Dir = "gateway"
	in, err := g.process.StdinPipe()
	if err != nil {
		return err
	}
	out, err := g.process.StdoutPipe()
	if err != nil {
		return err
	}
	if err := g.process.Start(); err != nil {
		return err
	}
	g.input = in
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return fmt.Errorf("Hive Gateway does not start: %w", err)
	}
	g.url = "http://127.0.0.1:" + strings.TrimSpace(port) + "/"
	return nil
}

func (g *gateway) stop() {
	g.client.CloseIdleConnections()
	g.input.Close()
	_ = g.process.Wait()
}

// do sends one request to the process that holds the gateways.
func (g *gateway) do(ctx context.Context, method, name string, body []byte) ([]byte, error) {
	q, err := http.NewRequestWithContext(ctx, method, g.url+name, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	a, err := g.client.Do(q)
	if err != nil {
		return nil, err
	}
	defer a.Body.Close()
	content, err := io.ReadAll(a.Body)
	if err == nil && a.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d: %.300s", a.StatusCode, content)
	}
	return content, err
}

// tally is how often what was seen.
type tally struct {
	worlds, cases, agreed int
	data, errors, refused int                 // answers of the gateway with other data, with other errors, without data
	unloaded, crashes     int                 // of the gateway, by world
	examples              map[string][]string // by kind
}

const maxExamples = 2 // of each kind

func (n *tally) example(kind string, w *world, op operation, want, got *answer) {
	if len(n.examples[kind]) < maxExamples {
		n.examples[kind] = append(n.examples[kind], fmt.Sprintf("seed %d, %s of the gateway\n%s\n%s\nwant %s\ngot  %s", w.seed, kind, op.Query, op.Variables, want, got))
	}
}

func (n *tally) String() string {
	return fmt.Sprintf("%d cases in %d worlds, in all of which Weir answers as the monolith. Hive Gateway agrees in %d; it has other data in %d, other errors in %d, no data in %d; "+
		"it could not load %d worlds, and crashed in %d", n.cases, n.worlds, n.agreed, n.data, n.errors, n.refused, n.unloaded, n.crashes)
}

// Weir, Hive Gateway and the monolith answer the same. Where the three do not agree the monolith is right, and what the gateway did is counted: it
// may be the gateway's mistake, but too many would mean that the worlds are not what federation is.
func TestFederatedIsHiveGateway(t *testing.T) {
	if *gatewayCases == 0 {
		t.Skip("not asked for: make differential does, with -gateway-cases and Hive Gateway from npm")
	}
	g := newGateway(t)
	server, err := subgraphs.Serve()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	n := &tally{examples: map[string][]string{}}
	for s := max(*seed, 1); n.cases < *gatewayCases && !t.Failed(); s++ {
		w, err := newWorld(s, breadth{}, server)
		if err != nil {
			t.Fatalf("seed %d: %v", s, err)
		}
		w.besideGateway(t, g, n)
		w.close()
	}
	t.Logf("from seed %d: %s", max(*seed, 1), n)
	for _, kind := range slices.Sorted(maps.Keys(n.examples)) {
		for _, e := range n.examples[kind] {
			t.Log(e)
		}
	}
	if n.agreed*4 < n.cases*3 {
		t.Error("the gateway agrees in less than three of four cases")
	}
}

// besideGateway compares operations of a world.
func (w *world) besideGateway(t *testing.T, g *gateway, n *tally) {
	t.Helper()
	n.worlds++
	name := "w" + strconv.FormatUint(w.seed, 10)
	if _, err := g.do(t.Context(), http.MethodPut, name, []byte(w.text)); err != nil {
		n.unloaded++
		return
	}
	r := rand.New(rand.NewPCG(w.seed, 4))
	for range operationsPerGateway {
		op := makeOperation(r, w.client)
		d, valid := w.compare(t.Context(), op)
		if !valid {
			continue
		}
		if d != nil {
			t.Errorf("seed %d: %s\n%s", w.seed, d.kind, w.tell(d))
			return
		}
		if err := w.askGateway(t.Context(), g, n, name, op); err != nil {
			n.crashes++
			n.example("crash", w, op, &answer{}, &answer{})
			g.stop()
			if err := g.start(); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	if _, err := g.do(t.Context(), http.MethodDelete, name, nil); err != nil {
		t.Error(err)
	}
}

// askGateway compares the gateway's answer with the monolith's. It fails when there is none.
func (w *world) askGateway(ctx context.Context, g *gateway, n *tally, name string, op operation) error {
	mutation := strings.HasPrefix(op.Query, "mutation")
	if mutation {
		w.data.Reset()
	}
	want, err := w.monolith(ctx, op)
	if err != nil {
		return err
	}
	if mutation {
		w.data.Reset()
	}
	body, err := json.Marshal(map[string]any{"query": op.Query, "variables": json.RawMessage(op.Variables)})
	if err != nil {
		return err
	}
	n.cases++
	content, err := g.do(ctx, http.MethodPost, name, body)
	if err != nil {
		return err
	}
	var got answer
	if err := json.Unmarshal(content, &got); err != nil {
		return fmt.Errorf("%w in %.300s", err, content)
	}
	switch {
	case got.Data == nil:
		n.refused++
		n.example("no data", w, op, want, &got)
	case !sameJSON(want.Data, got.Data):
		n.data++
		n.example("data", w, op, want, &got)
	case (len(want.Errors) > 0) != (len(got.Errors) > 0):
		n.errors++
		n.example("errors", w, op, want, &got)
	default:
		n.agreed++
	}
	return nil
}
