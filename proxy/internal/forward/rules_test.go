package forward

import (
	"strings"
	"testing"

	"github.com/weirproxy/weir/proxy/internal/wire"
)

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func head(t testing.TB, lines ...string) *wire.RequestHead {
	t.Helper()
	h := new(wire.RequestHead)
	text := "POST /graphql HTTP/1.1\r\nHost: a\r\n" + strings.Join(append(lines, ""), "\r\n") + "\r\n"
	if v := h.Parse([]byte(text), 1<<16); v != wire.OK {
		t.Fatal(v)
	}
	return h
}

func TestLines(t *testing.T) {
	client := []string{"Authorization: Bearer t", "Cookie: c", "X-A: 1", "x-a: 2", "X-B: b", "Content-Type: text/plain", "Connection: close", "TE: x"}
	insert := func(name, value string) Rules { return Rules{Insert: []Line{{name, value}}} }
	for _, c := range []struct {
		name     string
		all, own Rules
		want     string
	}{
		{"nothing by itself", Rules{}, Rules{}, ""},
		{"by name, each line of it", Rules{Propagate: []string{"x-a", "missing"}}, Rules{}, "X-A: 1|x-a: 2|"},
		{"by the beginning of a name", Rules{Propagate: []string{"x-*"}}, Rules{}, "X-A: 1|x-a: 2|X-B: b|"},
		{"all but what is a connection's or ours", Rules{Propagate: []string{"*"}, Remove: []string{"cookie"}}, Rules{}, "Authorization: Bearer t|X-A: 1|x-a: 2|X-B: b|"},
		{"the subgraph's own rules add", Rules{Propagate: []string{"x-b"}}, Rules{Propagate: []string{"authorization"}}, "Authorization: Bearer t|X-B: b|"},
		{"and remove", Rules{Propagate: []string{"x-*", "cookie"}}, Rules{Remove: []string{"cookie", "x-a"}}, "X-B: b|"},
		{"and take back what all remove", Rules{Propagate: []string{"*"}, Remove: []string{"*"}}, Rules{Propagate: []string{"x-b"}}, "X-B: b|"},
		{"what is put in replaces", Rules{Propagate: []string{"x-*"}, Insert: []Line{{"x-a", "ours"}}}, Rules{}, "X-B: b|x-a: ours|"},
		{"the subgraph's goes over all's", insert("x-k", "all"), insert("x-k", "own"), "x-k: own|"},
		{"or is removed there", insert("x-k", "all"), Rules{Remove: []string{"x-k"}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Compile(TraceForward, c.all, []Rules{c.own})
			got := string(s.Append(nil, s.Class(0), head(t, client...), nil))
			if got = strings.ReplaceAll(got, "\r\n", "|"); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

func TestSubgraphsWithTheSameRulesAreOneClass(t *testing.T) {
	s := Compile(TraceForward, Rules{Propagate: []string{"x-a"}}, []Rules{{}, {Remove: []string{"x-a"}}, {}})
	if s.Classes() != 2 || s.Class(0) != s.Class(2) || s.Class(0) == s.Class(1) {
		t.Error(s.Classes(), s.Class(0), s.Class(1), s.Class(2))
	}
	if none := new(Set); none.Classes() != 1 || none.Class(7) != 0 {
		t.Error("the zero set has one class")
	}
}

func TestTraceContext(t *testing.T) {
	id := [16]byte{0xab}
	with := head(t, "TraceParent: "+parent, "Tracestate: a=b")
	for _, c := range []struct {
		name string
		mode Trace
		h    *wire.RequestHead
		want string // its beginning
	}{
		{"forwarded", TraceForward, with, "traceparent: " + parent + "\r\ntracestate: a=b\r\n"},
		{"forwarded where others begin", TraceCreate, with, "traceparent: " + parent + "\r\ntracestate: a=b\r\n"},
		{"none", TraceForward, head(t), ""},
		{"begun", TraceCreate, head(t), "traceparent: 00-ab000000000000000000000000000000-"},
		{"off", TraceOff, with, ""},
	} {
		s := Compile(c.mode, Rules{}, []Rules{{}})
		got := string(s.AppendTrace(s.Append(nil, 0, c.h, nil), c.h, id))
		if !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if c.mode == TraceCreate && len(got) < len("traceparent: \r\n")+len(parent) {
			t.Errorf("%s: %q is too short", c.name, got)
		}
	}
}

func TestLinesAllocateNothing(t *testing.T) {
	s := Compile(TraceCreate, Rules{Propagate: []string{"authorization", "x-*"}, Insert: []Line{{"a", "b"}}}, []Rules{{}})
	h, dst := head(t, "Authorization: Bearer t", "X-A: 1", "Accept: */*"), make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { dst = s.AppendTrace(s.Append(dst[:0], 0, h, nil), h, [16]byte{}) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
