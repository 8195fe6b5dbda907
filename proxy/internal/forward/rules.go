package forward

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"

	"github.com/weirproxy/weir/proxy/internal/scope"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// Rules are what configuration says, for one subgraph or for all. Names are in lower case.
type Rules struct {
	Propagate []string  // names; name* for all that begin so, * for all
	Insert    []Line    // in place of the client's of that name
	Claims    []Claimed // likewise
	Remove    []string  // names, or name*; they win over Propagate, Insert and Claims of the same rules
}

// Line is a header to put in.
type Line struct{ Name, Value string }

// Claimed is a header with what a claim of the caller's verified token says. The client's of that name never goes on, whether there is a claim or not.
type Claimed struct {
	Name    string
	Claim   scope.Claim
	Default string // where there is no token, no such claim, or none that a header can carry; empty: there is no header then
}

// Trace says what becomes of W3C trace context.
type Trace uint8

// What becomes of it.
const (
	TraceForward Trace = iota // the client's goes on as it came
	TraceCreate               // and where there is none, one begins, sampled
	TraceOff
)

// ParseTrace reads a name of configuration.
func ParseTrace(name string) (Trace, bool) {
	i := slices.Index([]string{"forward", "create", "off"}, name)
	return Trace(max(i, 0)), i >= 0
}

// Set holds the rules of all subgraphs. The zero Set passes trace context on.
type Set struct {
	trace    Trace
	classes  []class
	subgraph []int // class by the subgraph's index
}

// class is what subgraphs with the same rules get.
type class struct {
	layers   []layer // for all, then for the subgraph alone
	inserted []byte
	claimed  []Claimed
	names    []string // of these two
}

// layer is one set of rules: a later layer decides over what an earlier one said.
type layer struct{ propagate, remove []string }

// Compile returns the set for rules that hold for all subgraphs and, by index, those of each, which go over them: they pass on, put in or
// remove what the others do not.
func Compile(trace Trace, all Rules, each []Rules) *Set {
	s := &Set{trace: trace}
	for _, own := range each {
		c := newClass(all, own)
		at := slices.IndexFunc(s.classes, func(k class) bool { return reflect.DeepEqual(k, c) })
		if at < 0 {
			at = len(s.classes)
			s.classes = append(s.classes, c)
		}
		s.subgraph = append(s.subgraph, at)
	}
	return s
}

func newClass(all, own Rules) class {
	var c class
	var lines []Line
	for _, r := range []Rules{all, own} {
		c.layers = append(c.layers, layer{r.Propagate, r.Remove})
		lines = slices.DeleteFunc(lines, func(l Line) bool { return matches(r.Remove, l.Name) || r.Puts(l.Name) })
		c.claimed = slices.DeleteFunc(c.claimed, func(l Claimed) bool { return matches(r.Remove, l.Name) || r.Puts(l.Name) })
		for _, l := range r.Insert {
			if !matches(r.Remove, l.Name) {
				lines = append(lines, l)
			}
		}
		for _, l := range r.Claims {
			if !matches(r.Remove, l.Name) {
				c.claimed = append(c.claimed, l)
			}
		}
	}
	for _, l := range lines {
		c.names = append(c.names, l.Name)
		c.inserted = append(append(append(append(c.inserted, l.Name...), ": "...), l.Value...), "\r\n"...)
	}
	for _, l := range c.claimed {
		c.names = append(c.names, l.Name)
	}
	return c
}

// Puts tells whether the rules put a header in, by its name in lower case.
func (r *Rules) Puts(name string) bool {
	return slices.ContainsFunc(r.Insert, func(l Line) bool { return l.Name == name }) || slices.ContainsFunc(r.Claims, func(l Claimed) bool { return l.Name == name })
}

// Class returns the class of a subgraph, below Classes.
func (s *Set) Class(subgraph int) int {
	if subgraph < len(s.subgraph) {
		return s.subgraph[subgraph]
	}
	return 0
}

// Classes returns how many classes there are, at least one.
func (s *Set) Classes() int { return max(1, len(s.classes)) }

// Claims tells whether a subgraph gets claims, so that the caller's are needed.
func (s *Set) Claims() bool {
	return slices.ContainsFunc(s.classes, func(c class) bool { return len(c.claimed) > 0 })
}

// Varies returns the names of the client's headers that a subgraph may get, in lower case and order; open: there may be others, by a pattern.
func (s *Set) Varies() (names []string, open bool) {
	for i := range s.classes {
		for _, l := range s.classes[i].layers {
			for _, name := range l.propagate {
				if strings.HasSuffix(name, "*") {
					open = true
				} else if s.classes[i].pass([]byte(name)) {
					names = append(names, name)
				}
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), open
}

// Append appends the lines for a class, each with its CRLF, but for trace context. h is the client's request; nil: there is none. claims are those
// of its verified token; nil: it has none. What a subgraph answers may depend on the lines.
func (s *Set) Append(dst []byte, index int, h *wire.RequestHead, claims *scope.Claims) []byte {
	var c *class
	if index < len(s.classes) {
		c = &s.classes[index]
	}
	if h != nil && c.passes() {
		h.VisitHeaders(func(name, value []byte) bool {
			if c.pass(name) {
				dst = appendLine(dst, name, value)
			}
			return true
		})
	}
	if c != nil {
		dst = append(dst, c.inserted...)
		for i := range c.claimed {
			dst = c.claimed[i].append(dst, claims)
		}
	}
	return dst
}

func (l *Claimed) append(dst []byte, claims *scope.Claims) []byte {
	start := len(dst)
	dst = append(append(dst, l.Name...), ": "...)
	dst, ok := claims.Append(dst, l.Claim)
	if !ok {
		if l.Default == "" {
			return dst[:start]
		}
		dst = append(dst, l.Default...)
	}
	return append(dst, "\r\n"...)
}

func (c *class) passes() bool {
	return c != nil && slices.ContainsFunc(c.layers, func(l layer) bool { return len(l.propagate) > 0 })
}

// pass tells whether the client's header goes on. Trace context goes by Trace.
func (c *class) pass(name []byte) (on bool) {
	if len(name) > maxName || ours(name) {
		return false
	}
	var low [maxName]byte
	for i, b := range name {
		if 'A' <= b && b <= 'Z' {
			b |= 0x20
		}
		low[i] = b
	}
	n := low[:len(name)]
	for i := range c.layers {
		if matches(c.layers[i].propagate, n) {
			on = true
		}
		if matches(c.layers[i].remove, n) {
			on = false
		}
	}
	return on && !slices.ContainsFunc(c.names, func(have string) bool { return alike(have, n) })
}

// alike tells whether somebody behind may take two names, in lower case, for one: what goes by the rules of CGI writes - as _.
func alike(a string, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i, c := range b {
		if c != a[i] && (c != '_' || a[i] != '-') && (c != '-' || a[i] != '_') {
			return false
		}
	}
	return true
}

// maxName is up to how many bytes the name of a header that is passed on may have.
const maxName = 128

// matches tells whether a list names a header, which is in lower case.
func matches[T string | []byte](list []string, name T) bool {
	for _, l := range list {
		if begin, some := strings.CutSuffix(l, "*"); some && len(name) >= len(begin) && string(name[:len(begin)]) == begin || l == string(name) {
			return true
		}
	}
	return false
}

// own are the names that the request to a subgraph has anyhow, those of one connection or one transfer, and those of trace context.
var own = []string{
	"host", "content-type", "content-length", "content-encoding", "accept", "accept-encoding", "user-agent", "connection", "keep-alive",
	"proxy-connection", "proxy-authorization", "transfer-encoding", "te", "trailer", "upgrade", "expect", "http2-settings", "traceparent", "tracestate",
}

func ours(name []byte) bool {
	for _, n := range own {
		if len(n) == len(name) && strings.EqualFold(n, string(name)) {
			return true
		}
	}
	return false
}

// Own tells whether a header, in lower case, is the sidecar's own to write, so that no rule may name it.
func Own(name string) bool { return ours([]byte(name)) }

// appendLine leaves out what a value may not hold: a received head has none of it, and nothing relies on that.
func appendLine[T string | []byte](dst []byte, name T, value []byte) []byte {
	for _, b := range value {
		if b == '\r' || b == '\n' || b == 0 {
			return dst
		}
	}
	return append(append(append(append(dst, name...), ": "...), value...), "\r\n"...)
}

// AppendTrace appends the lines of trace context. trace is the trace id for requests that have no context of their own.
func (s *Set) AppendTrace(dst []byte, h *wire.RequestHead, trace [16]byte) []byte {
	if s.trace == TraceOff {
		return dst
	}
	if h != nil {
		if parent := h.Header("traceparent"); len(parent) > 0 {
			dst = appendLine(dst, "traceparent", parent)
			if state := h.Header("tracestate"); len(state) > 0 {
				dst = appendLine(dst, "tracestate", state)
			}
			return dst
		}
	}
	if s.trace != TraceCreate {
		return dst
	}
	dst = append(dst, "traceparent: 00-"...)
	dst = appendHex(dst, trace[:])
	dst = append(dst, '-')
	var span [8]byte
	for id, i := rand.Uint64()|1, 0; i < len(span); i++ {
		span[i] = byte(id >> (8 * i))
	}
	return append(appendHex(dst, span[:]), "-01\r\n"...)
}

func appendHex(dst, b []byte) []byte {
	const digits = "0123456789abcdef"
	for _, v := range b {
		dst = append(dst, digits[v>>4], digits[v&15])
	}
	return dst
}

// Creates tells whether a request without trace context begins one.
func (s *Set) Creates() bool { return s != nil && s.trace == TraceCreate }
