package growth

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"

	"github.com/weirproxy/weir/bench/internal/load"
)

// sent reads what a stream made as a server would.
func sent(t *testing.T, raw []byte) (query string, variables map[string]any) {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		t.Fatalf("%v: %q", err, raw)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method != "POST" || r.Host != "weir" || r.URL.Path != "/graphql" || int64(len(body)) != r.ContentLength {
		t.Fatalf("%v: %s %s %s", err, r.Method, r.Host, r.URL)
	}
	var envelope struct {
		Query     string
		Variables map[string]any
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return envelope.Query, envelope.Variables
}

func TestThingsInOrderAreAskedForOnceOverAllStreams(t *testing.T) {
	const things = 50
	target := &load.Target{Host: "weir", Path: "/graphql"}
	src := newSource(things, true, item(100))
	streams := []load.Stream{src.Stream(1, 0), src.Stream(1, 1), src.Stream(1, 2)}
	var ids []string
	for i := range things {
		raw, operation := streams[i%3].Next(nil, target, 0)
		_, v := sent(t, raw)
		ids = append(ids, v["id"].(string))
		if operation != 0 || v["bytes"] != 100.0 {
			t.Errorf("operation %d, %v", operation, v)
		}
	}
	slices.Sort(ids)
	if n := len(slices.Compact(ids)); n != things {
		t.Errorf("%d different things of %d", n, things)
	}
}

func TestUnseenThingsComeOnceAndInTheirShare(t *testing.T) {
	const n = 20_000
	src := newSource(100, true, item(100)).drawn(0.2)
	s := src.Stream(1, 0).(*stream)
	seen, unseen := map[int]int{}, 0
	for range n {
		thing := s.draw()
		seen[thing]++
		if thing >= 100 {
			unseen++
			if seen[thing] > 1 {
				t.Fatalf("thing %d came again", thing)
			}
		}
	}
	if share := float64(unseen) / n; share < 0.19 || share > 0.21 {
		t.Errorf("share %.3f", share)
	}
	if len(seen)-unseen != 100 {
		t.Errorf("%d of 100 known things were drawn", len(seen)-unseen)
	}
}

func TestAStreamAllocatesNothing(t *testing.T) {
	target := &load.Target{Host: "weir", Path: "/graphql"}
	s := newSource(100, false, func(dst []byte, n int) []byte { return listBody(dst, n, 10, 1000) }).Stream(1, 0)
	var buffer []byte
	reply := &load.Reply{Status: 200, Body: []byte(`{"data":null}`)}
	if n := testing.AllocsPerRun(1000, func() {
		buffer, _ = s.Next(buffer[:0], target, 0)
		if failure, again := s.Judge(reply, 0); failure != "" || again {
			t.Fatal(failure)
		}
	}); n != 0 {
		t.Errorf("%g allocations", n)
	}
}

func TestOriginAnswersWhatIsAskedFor(t *testing.T) {
	b, err := newBench(&Config{Out: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		b.stop(&err)
		if err != nil {
			t.Error(err)
		}
	}()
	o, err := b.origin()
	if err != nil {
		t.Fatal(err)
	}
	target, err := load.ParseTarget(o.URL())
	if err != nil {
		t.Fatal(err)
	}
	c := load.NewConn(target)
	defer c.Close()
	ask := func(body []byte) (size int, data struct {
		Item  struct{ ID string }
		Items struct{ Nodes []struct{ ID string } }
	},
	) {
		t.Helper()
		a, err := c.Post(t.Context(), body, requestTimeout)
		if err != nil || !a.OK() {
			t.Fatalf("%v %+v", err, a)
		}
		var envelope struct{ Data any }
		envelope.Data = &data
		if err := json.Unmarshal(a.Body, &envelope); err != nil {
			t.Fatalf("%v: %.200s", err, a.Body)
		}
		return len(a.Body), data
	}
	for _, size := range []int{200, 1 << 10, 16 << 10} {
		if got, data := ask(itemBody(nil, "Item", 42, size)); got != size || data.Item.ID != "42" {
			t.Errorf("%d bytes of item %q, want %d", got, data.Item.ID, size)
		}
	}
	for _, count := range []int{1, 100, 1000} {
		size, data := ask(listBody(nil, 7000, count, tagAnswer))
		if size != tagAnswer || len(data.Items.Nodes) != count || data.Items.Nodes[count-1].ID != fmt.Sprint(7000+count-1) {
			t.Errorf("%d bytes, %d nodes, want %d", size, len(data.Items.Nodes), count)
		}
	}
}
