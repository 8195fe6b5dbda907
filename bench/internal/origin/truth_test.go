package origin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/weirproxy/weir/bench/internal/origin/fault"
)

// started serves the spec until the test is over.
func started(t *testing.T, spec Spec) *Server {
	t.Helper()
	s := built(t, spec)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

const (
	rankQuery    = `{"query":"{ city(id: 1796236) { rank name } }"}`
	setMutation  = `{"query":"mutation { setPopulation(id: 1796236, population: 5) { population } }"}`
	batchQueries = `[{"query":"{ stats { cities } }"},{"query":"{ country(code: \"CN\") { name } }"}]`
)

// TestCountersAddUp asks from many goroutines under several faults and compares what the clients saw with what the origin says it did.
func TestCountersAddUp(t *testing.T) {
	s := started(t, Spec{Seed: 3, Burn: []string{"City.rank=30us"}, Faults: Faults{ErrorRate: 0.01, Rules: []string{
		"status=503,html@0.1#mutation", "error@0.05#City", "partial=City.admin@0.5", "truncated-json@0.05#query.city", "bad-json@0.1#batch", "delay=50us@0.3",
	}}})
	const workers, rounds = 8, 35
	bodies := []string{cityQuery, rankQuery, setMutation, batchQueries, `{"query":"{ city(id: 1796236) { admin name } }"}`, `{"query":"{ nope }"}`, `{`}
	var mu sync.Mutex
	var requests, received, plain500, unavailable int64
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			client := http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for i := range rounds {
				res, err := client.Post(s.URL()+"/graphql", mediaJSON, strings.NewReader(bodies[i%len(bodies)]))
				if err != nil {
					t.Error(err)
					return
				}
				raw, err := io.ReadAll(res.Body)
				_ = res.Body.Close()
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				requests++
				switch res.StatusCode {
				case http.StatusInternalServerError:
					plain500++
				case http.StatusServiceUnavailable:
					unavailable++
					received += int64(len(raw))
				default:
					received += int64(len(raw))
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if err := s.Stop(); err != nil { // everything that was sent is counted
		t.Fatal(err)
	}
	got := s.Truth()
	if got.Faults["error_rate"] != plain500 || got.Requests != requests-plain500 || got.Bytes != received {
		t.Errorf("requests %d of %d, 500s %d of %d, bytes %d of %d", got.Requests, requests-plain500, got.Faults["error_rate"], plain500, got.Bytes, received)
	}
	if n := got.Operations["mutation.setPopulation"].Faults["status"]; n != unavailable || n == 0 {
		t.Errorf("status faults %d, seen %d", n, unavailable)
	}
	var perOperation int64
	for label, o := range got.Operations {
		for kind, n := range o.Faults {
			if perOperation += n; kind == "delay" {
				t.Errorf("%s: a delay is no fault of an answer", label)
			}
		}
		if o.Executed > o.Requests {
			t.Errorf("%s: %+v", label, o)
		}
	}
	var faults int64
	for _, n := range got.Faults {
		faults += n
	}
	if faults != perOperation+plain500 {
		t.Errorf("faults %d, by operation %d and before one %d", faults, perOperation, plain500)
	}
	set := got.Operations["mutation.setPopulation"]
	if set.Executed != set.Requests-unavailable || got.Operations["query.stats"].Executed != got.Operations["query.country"].Executed {
		t.Errorf("%+v", got.Operations)
	}
	if got.Partial["City.admin"] == 0 || got.Partial["City.admin"] != got.Operations["query.city"].Errors || got.Faults["partial"] != got.Partial["City.admin"] {
		t.Errorf("partial errors %v, errors %d", got.Partial, got.Operations["query.city"].Errors)
	}
	rank := got.Fields["City.rank"]
	if rank.Resolved == 0 || rank.BurntUS < 30*rank.Resolved || got.Operations["query.city"].BurntUS < rank.BurntUS || got.Fields["City.name"].BurntUS != 0 {
		t.Errorf("%+v", got.Fields)
	}
	if got.Waits.Requests == 0 || got.Waits.Stalled != 0 {
		t.Errorf("%+v", got.Waits)
	}
}

// TestBurnIsWhatTheProcessUses compares what the counters say with the processor time of this whole process.
func TestBurnIsWhatTheProcessUses(t *testing.T) {
	s := built(t, Spec{Burn: []string{"City.rank=2ms", "Query.city=1ms"}})
	post(s, rankQuery) // parsed and validated once
	before := s.Truth()
	var a, b unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &a); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		post(s, rankQuery)
	}
	if err := unix.Getrusage(unix.RUSAGE_SELF, &b); err != nil {
		t.Fatal(err)
	}
	used := (b.Utime.Nano() + b.Stime.Nano() - a.Utime.Nano() - a.Stime.Nano()) / 1000
	got := s.Truth()
	burnt := got.Operations["query.city"].BurntUS - before.Operations["query.city"].BurntUS
	if ratio := float64(burnt) / (50 * 3000); ratio < 1 || ratio > 1.2 {
		t.Errorf("burnt %d µs of %d asked", burnt, 50*3000)
	}
	if ratio := float64(used) / float64(burnt); ratio < 0.8 || ratio > 1.5 { // the rest of the request is in it: looking for a rank walks all cities
		t.Errorf("the process used %d µs, %d were burnt", used, burnt)
	}
	if sum := got.Fields["City.rank"].BurntUS + got.Fields["Query.city"].BurntUS; math.Abs(float64(sum-got.Operations["query.city"].BurntUS)) > 2 {
		t.Errorf("fields %d, operation %d", sum, got.Operations["query.city"].BurntUS)
	}
}

func TestPartialErrorsNameTheirField(t *testing.T) {
	for rule, c := range map[string][2]string{
		"partial=City.admin": {
			`{ city(id: 1796236) { name admin } b: city(id: 1816670) { admin } }`,
			`{"errors":[{"message":"injected failure","locations":[{"line":1,"column":28}],"path":["city","admin"],"extensions":{"code":"INJECTED"}}],"data":{"city":{"name":"Shanghai","admin":null},"b":{"admin":"22"}}}`,
		},
		"partial": {
			`{ stats { cities largest { name } } viewer { name } }`,
			`{"errors":[{"message":"injected failure","locations":[{"line":1,"column":18}],"path":["stats","largest"],"extensions":{"code":"INJECTED"}}],"data":{"stats":{"cities":8000,"largest":null},"viewer":null}}`,
		},
		"partial=City.name": { // not null: the error takes its parent along, which the specification demands
			`{ cities(first: 2) { nodes { name } } continents { code } }`,
			`{"errors":[{"message":"injected failure","locations":[{"line":1,"column":30}],"path":["cities","nodes",0,"name"],"extensions":{"code":"INJECTED"}}],"data":null}`,
		},
	} {
		s := built(t, Spec{Faults: Faults{Rules: []string{rule}}})
		query, _ := json.Marshal(c[0])
		w := post(s, fmt.Sprintf(`{"query":%s}`, query))
		if w.Code != 200 || w.Body.String() != c[1] || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s\nwant %s", rule, w.Code, w.Body, c[1])
		}
	}
}

func TestSizesAreExactAndTheSameForTheSameRequest(t *testing.T) {
	s := built(t, Spec{Size: "uniform:4KiB..64KiB", Seed: 9})
	other := built(t, Spec{Size: "uniform:4KiB..64KiB", Seed: 10})
	plain := post(built(t, Spec{}), cityQuery).Body.Bytes()
	sizes := map[int]bool{}
	for _, id := range []string{"1796236", "1816670", "1795565", "1850147"} {
		body := strings.Replace(cityQuery, "1796236", id, 1)
		first, second := post(s, body).Body.Bytes(), post(s, body).Body.Bytes()
		if !bytes.Equal(first, second) || !json.Valid(first) || len(first) < 4096 || len(first) > 65536 {
			t.Errorf("%s: %d and %d bytes", id, len(first), len(second))
		}
		if bytes.Equal(first, post(other, body).Body.Bytes()) {
			t.Errorf("%s: another seed, the same answer", id)
		}
		sizes[len(first)] = true
	}
	if len(sizes) != 4 {
		t.Errorf("sizes %v", sizes)
	}
	for _, size := range []int{1000, 16384, len(plain), len(plain) + 5, 0} {
		got := post(built(t, Spec{Size: fmt.Sprint(size)}), cityQuery).Body.Bytes()
		want := size
		if size < len(plain)+len(padBegin)+len(padEnd)-1 {
			want = len(plain)
		}
		if len(got) != want || !json.Valid(got) || !bytes.HasPrefix(got, plain[:len(plain)-1]) {
			t.Errorf("size %d: %d bytes %.200s", size, len(got), got)
		}
	}
	big := post(built(t, Spec{Faults: Faults{Rules: []string{"big"}}}), cityQuery).Body.Bytes()
	if len(big) != 10_000_000 || !json.Valid(big) {
		t.Errorf("%d bytes", len(big))
	}
	if got := post(s, `{"query":"{ padding(bytes: 3000) }"}`).Body.Bytes(); !json.Valid(got) || len(got) < 4096 {
		t.Errorf("%.100s", got)
	}
}

func api(t *testing.T, s *Server, method, path, body string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w.Code, w.Body.String()
}

func TestFaultsByTheAPI(t *testing.T) {
	s := built(t, Spec{Faults: Faults{Rules: []string{"html"}}})
	for _, c := range []struct {
		method, body string
		status       int
		want         string
	}{
		{"GET", "", 200, `{"delay_ms":0,"error_rate":0,"down":false,"rules":["html"]}`},
		{"PUT", `{"delay_ms":1,"error_rate":0.5}`, 200, `{"delay_ms":1,"error_rate":0.5,"down":false}`},
		{"PUT", `{"rules":["0s..1h:error@0.5#query.city","refuse"]}`, 400, `write an end, for instance 0s..5s:refuse`},
		{"PUT", `{"rules":["partial=City.x"]}`, 400, "no field City.x"},
		{"PUT", `{"latency":["slow"]}`, 400, "5ms or 1s"},
		{"PUT", `{"rule":"html"}`, 400, `{"rules":["10s..15s:reset=mid-body@0.2"]`},
		{"PUT", `{"error_rate":2}`, 400, "error_rate is 0..1"},
		{"GET", "", 200, `{"delay_ms":1,"error_rate":0.5,"down":false}`}, // what was refused changed nothing
		{"PATCH", "", 405, "use GET, PUT or DELETE"},
		{"POST", `{"rules":["error#City"],"latency":["1us"]}`, 200, `{"delay_ms":0,"error_rate":0,"down":false,"rules":["error#City"],"latency":["1us"]}`},
	} {
		if status, got := api(t, s, c.method, "/_origin/faults", c.body); status != c.status || !strings.Contains(got, c.want) {
			t.Errorf("%s %s: %d %s, want %q", c.method, c.body, status, got, c.want)
		}
	}
	if got := post(s, cityQuery).Body.String(); !strings.Contains(got, "INJECTED") {
		t.Errorf("%s", got)
	}
	if status, got := api(t, s, "DELETE", "/_origin/faults", ""); status != 200 || strings.Contains(got, "rules") {
		t.Errorf("%d %s", status, got)
	}
	if got := post(s, cityQuery).Body.String(); !strings.Contains(got, "Shanghai") {
		t.Errorf("%s", got)
	}
	if _, got := api(t, s, "GET", "/_origin/counters", ""); strings.TrimSpace(got) != `{"fault.error":1,"query.city":1}` {
		t.Errorf("%s", got)
	}
	var truth Truth
	if _, got := api(t, s, "GET", "/_origin/truth", ""); json.Unmarshal([]byte(got), &truth) != nil || truth.Operations["query.city"].Requests != 2 || truth.Operations["query.city"].Faults["error"] != 1 {
		t.Errorf("%s", got)
	}
	if _, got := api(t, s, "DELETE", "/_origin/truth", ""); strings.Contains(got, "query.city") {
		t.Errorf("%s", got)
	}
	if status, got := api(t, s, "GET", "/_origin/schema", ""); status != 200 || got != Schema() {
		t.Errorf("%d", status)
	}
	if !strings.Contains(fault.Kinds(), "partial[=TYPE.FIELD]\n") {
		t.Errorf("%s", fault.Kinds())
	}
}

func TestAGeneratedSchemaIsServed(t *testing.T) {
	s := built(t, Spec{Seed: 7, Generate: "types=3,entities=10", Burn: []string{"T0.f0=10us"}})
	w := post(s, `{"query":"{ t0(id: 1) { id revision f0 many(first: 2) { id } } }"}`)
	if cc := w.Header().Get("Cache-Control"); !strings.HasPrefix(cc, "max-age=") || !strings.HasPrefix(w.Body.String(), `{"data":{"t0":{"id":"1","revision":0,"f0":`) {
		t.Errorf("%s %s", cc, w.Body)
	}
	if !strings.Contains(s.Schema(), "type T2 implements Entity") || s.Truth().Fields["T0.f0"].Resolved != 1 {
		t.Errorf("%+v", s.Truth())
	}
	if _, err := Open(Spec{Generate: "types=0"}); err == nil || !strings.Contains(err.Error(), "1 to 200") {
		t.Error(err)
	}
}
