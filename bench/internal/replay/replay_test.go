package replay

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/bench/internal/arrival"
	"github.com/weirproxy/weir/bench/internal/load"
)

var update = flag.Bool("update", false, "rewrite golden files")

var target = load.Target{Network: "tcp", Address: "127.0.0.1:1", Host: "here:1", Path: "/graphql"}

func read(t *testing.T, text string, o Options) *Recording {
	t.Helper()
	rec, err := Read("file", strings.NewReader(text), o)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// dump is everything that would be sent, with when.
func dump(rec *Recording) string {
	var out strings.Builder
	s, times := rec.Source(false).Stream(1, 0), rec.Plan(1, 1).Times(0, 1, 1)
	for due, ok := times.Next(); ok; due, ok = times.Next() {
		request, n := s.Next(nil, &target, 0)
		l := rec.Labels()[n]
		fmt.Fprintf(&out, "%v %s %s\n%s\n\n", due, l.Kind, l.Name, strings.ReplaceAll(string(request), "\r\n", "\n"))
	}
	for _, s := range rec.Skips {
		fmt.Fprintf(&out, "left out: %d × %s, first %s\n", s.Count, s.Why, s.First)
	}
	return out.String()
}

func TestHARGolden(t *testing.T) {
	raw, err := os.ReadFile("testdata/shop.har")
	if err != nil {
		t.Fatal(err)
	}
	got := dump(read(t, string(raw), Options{}))
	if *update {
		if err := os.WriteFile("testdata/shop.golden", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/shop.golden")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	kept := dump(read(t, string(raw), Options{KeepCredentials: true, Headers: []Header{{"X-Tenant", "b"}}}))
	for _, line := range []string{"\nCookie: sid=secret\n", "\nauthorization: Bearer secret\n", "\nX-Tenant: b\n"} {
		if !strings.Contains(kept, line) || strings.Contains(kept, "X-Tenant: a") {
			t.Errorf("%q is not in\n%s", line, kept)
		}
	}
	if n := read(t, string(raw), Options{Match: "/api"}).Len(); n != 1 {
		t.Errorf("%d requests of /api", n)
	}
}

const logText = `{"time":"2026-05-04T12:00:01Z","operationName":"City","query":"query City($id: ID!) { city(id: $id) { name } }","variables":{"id":1}}
what
{"time":1777896000500,"body":{"query":"{ stats { cities } }"},"headers":{"X-Tenant":"a","Cookie":"c","X-Two":["1","2"],"X-N":5}}

{"time":1777896000750,"method":"GET","url":"/graphql?query=%7Bstats%7Bcities%7D%7D"}
{"time":1777896000800,"body":"{\"query\":\"mutation M { m }\"}"}
{"query":"{a}"}
[1]
{"time":5,"method":"DELETE","query":"{a}"}
{"time":1777896000900,"operationName":"P","extensions":{"persistedQuery":{"version":1,"sha256Hash":"ab"}}}
`

func TestLog(t *testing.T) {
	const want = `0s query anonymous
POST /graphql HTTP/1.1
Host: here:1
X-Tenant: a
X-Two: 1
X-Two: 2
Content-Type: application/json
Accept: application/json
Content-Length: 32

{"query":"{ stats { cities } }"}

250ms query anonymous
GET /graphql?query=%7Bstats%7Bcities%7D%7D HTTP/1.1
Host: here:1
Accept: application/json



300ms mutation M
POST /graphql HTTP/1.1
Host: here:1
Content-Type: application/json
Accept: application/json
Content-Length: 28

{"query":"mutation M { m }"}

400ms query P
POST /graphql HTTP/1.1
Host: here:1
Content-Type: application/json
Accept: application/json
Content-Length: 85

{"operationName":"P","extensions":{"persistedQuery":{"version":1,"sha256Hash":"ab"}}}

500ms query City
POST /graphql HTTP/1.1
Host: here:1
Content-Type: application/json
Accept: application/json
Content-Length: 103

{"operationName":"City","query":"query City($id: ID!) { city(id: $id) { name } }","variables":{"id":1}}

left out: 1 × a line that is no request: it is a JSON array, not an object, first file:8
left out: 1 × a line that is no request: it is no JSON, first file:2
left out: 1 × its method is DELETE, first file:9
left out: 1 × no time, first file:7
`
	got := dump(read(t, logText, Options{}))
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte("\xef\xbb\xbf" + logText)) // into memory
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if unpacked := dump(read(t, packed.String(), Options{})); unpacked != got {
		t.Errorf("packed:\n%s", unpacked)
	}
	if rec := read(t, logText, Options{Untimed: true}); rec.Len() != 6 {
		t.Errorf("%d requests with those without a time", rec.Len())
	}
}

func due(p arrival.Plan) string {
	var all []time.Duration
	times := p.Times(0, 1, 7)
	for d, ok := times.Next(); ok; d, ok = times.Next() {
		all = append(all, d)
	}
	return fmt.Sprint(all)
}

func TestTimesAreExactUnderSpeedAndLoops(t *testing.T) {
	rec := read(t, logText, Options{})
	for _, c := range []struct {
		speed float64
		loops int
		want  string
	}{
		{1, 1, "[0s 250ms 300ms 400ms 500ms]"},
		{2, 1, "[0s 125ms 150ms 200ms 250ms]"},
		{0.5, 1, "[0s 500ms 600ms 800ms 1s]"},
		{1, 2, "[0s 250ms 300ms 400ms 500ms 625ms 875ms 925ms 1.025s 1.125s]"}, // the mean distance is 125 ms
		{5, 2, "[0s 50ms 60ms 80ms 100ms 125ms 175ms 185ms 205ms 225ms]"},
	} {
		if got := due(rec.Plan(c.speed, c.loops)); got != c.want {
			t.Errorf("speed %v, %d times: %s, want %s", c.speed, c.loops, got, c.want)
		}
	}
	if rec.Rate() != 10 {
		t.Errorf("rate %v", rec.Rate())
	}
}

func TestTheMixHasTheRecordedShares(t *testing.T) {
	rec := read(t, logText, Options{})
	s, seen := rec.Source(true).Stream(1, 0), map[int]int{}
	const draws = 50_000
	for range draws {
		_, n := s.Next(nil, &target, 3)
		seen[n]++
	}
	for n, want := range map[int]float64{0: 0.2, 1: 0.4, 2: 0.2, 3: 0.2} {
		if got := float64(seen[n]) / draws; got < want-0.01 || got > want+0.01 {
			t.Errorf("%s has %v of the requests, want %v", rec.Labels()[n].Name, got, want)
		}
	}
}

func TestNextAndJudgeDoNotAllocate(t *testing.T) {
	s := read(t, logText, Options{}).Source(false).Stream(1, 0)
	buffer := make([]byte, 0, 4096)
	reply := load.Reply{Status: 200, Body: []byte(`{"data":{"a":1}}`)}
	if n := testing.AllocsPerRun(1000, func() {
		buffer, _ = s.Next(buffer[:0], &target, 0)
		s.Judge(&reply, 0)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestJudge(t *testing.T) {
	s := read(t, `{"time":1,"body":[{"query":"{a}"},{"query":"{b}"}]}`, Options{}).Source(false).Stream(1, 0)
	s.Next(nil, &target, 0)
	for body, want := range map[string]string{
		`[{"data":{}},{"data":{}}]`: "", `[{"data":{}}]`: "batch size", `{"errors":[{}]}`: "graphql errors",
	} {
		if got, again := s.Judge(&load.Reply{Status: 200, Body: []byte(body)}, 0); got != want || again {
			t.Errorf("%s is %q, want %q", body, got, want)
		}
	}
	if got, _ := s.Judge(&load.Reply{Status: 503}, 0); got != "status" {
		t.Errorf("503 is %q", got)
	}
}

func TestBrokenFilesAreRefusedWithTheirPlace(t *testing.T) {
	for _, c := range []struct{ text, format, want string }{
		{"", "", "file:1: this is no HAR file"},
		{"hello\n", "", "say what it is with --format"},
		{"{\"log\":{\"entries\":[\n{\"startedDateTime\":]", "", "file:2:20: invalid character ']'"},
		{"{\"log\":{\"entries\":[\n{}", "", "file:2:3: the file ends too early"},
		{"{\"log\":{\n\"entries\":{}}}", "", `"entries" is not a list`},
		{"{\"log\":{\n}}", "", `"entries" is not there`},
		{"{\"log\":{\"entries\":[\n\n{\"request\":5},{\"request\":{\"method\":\"GET\",\"url\":\"x\"}}]}}", "", "1 × an entry whose request is a number, first file:3"},
		{"what\n", "log", "nothing to replay was found in it (read as log"},
		{"x", "csv", `format "csv" is unknown; use har, log or events`},
		{"\x1f\x8bx", "", "file: "},
	} {
		if _, err := Read("file", strings.NewReader(c.text), Options{Format: Format(c.format)}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
	long := fmt.Sprintf(`{"time":1,"query":"{a}","variables":{"x":%q}}`+"\n", strings.Repeat("x", 3<<20))
	other := strings.Replace(long, "xx", "yx", 1)
	if _, err := Read("file", strings.NewReader(long+other), Options{MaxBytes: 4 << 20}); err == nil || !strings.Contains(err.Error(), "--max-records") {
		t.Errorf("more than the bound: %v", err)
	}
	if rec := read(t, long+other, Options{MaxBytes: 4 << 20, MaxRecords: 1}); rec.Len() != 1 {
		t.Errorf("%d requests", rec.Len())
	}
}
