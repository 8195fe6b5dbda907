package workload

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"regexp"

	"github.com/weirproxy/weir/bench/internal/load"
)

// check is one thing an answer must be.
type check struct {
	failure string // "check: " and its name
	path    []step
	exists  *bool
	equals  []byte  // JSON
	drawn   program // equals, when it has values of the request in it
	matches *regexp.Regexp
	sum     *[sha256.Size]byte
	most    int64 // bytes; 0: any number
	valid   bool  // the whole body must be JSON
}

// step of a path: a member's name, or an index.
type step struct {
	key   []byte
	index int // when key is nil
}

// check returns the failure of the first check that does not hold.
func (o *operation) check(a *load.Reply, st *slot) string {
	at, n := len(st.text), 0
	if len(st.expected) > 0 {
		at = st.items[len(st.items)-1].end
	}
	for i := range o.checks {
		c := &o.checks[i]
		want := c.equals
		if c.drawn != nil {
			want, at, n = st.text[at:st.expected[n]], st.expected[n], n+1
		}
		if !c.holds(a.Body, want) {
			return c.failure
		}
	}
	return ""
}

func (c *check) holds(body, want []byte) bool {
	switch {
	case c.valid:
		return json.Valid(body)
	case c.most > 0:
		return int64(len(body)) <= c.most
	case c.sum != nil:
		return sha256.Sum256(body) == *c.sum
	}
	v, found := find(body, c.path)
	switch {
	case c.exists != nil:
		return *c.exists == (found && string(v) != "null")
	case !found:
		return false
	case c.matches != nil:
		return c.matches.Match(text(v))
	}
	return same(v, want)
}

// text of a value: what stands between the quotes of a string, or the value as it is.
func text(v []byte) []byte {
	if len(v) < 2 || v[0] != '"' {
		return v
	}
	inner := v[1 : len(v)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	var s string
	if json.Unmarshal(v, &s) != nil {
		return inner
	}
	return []byte(s)
}

// same compares two JSON values: by their bytes, by their text (a number equals a string of its digits, as an ID does), else by what they mean.
func same(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	if scalar(a) && scalar(b) && bytes.Equal(text(a), text(b)) {
		return true
	}
	if simple(a) && simple(b) {
		return false
	}
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	p, _ := json.Marshal(x) // what was just read can be written
	q, _ := json.Marshal(y)
	return bytes.Equal(p, q)
}

// simple reports whether a value is a string without escapes: it equals another one only by its bytes.
func simple(v []byte) bool { return len(v) > 0 && v[0] == '"' && bytes.IndexByte(v, '\\') < 0 }

func scalar(v []byte) bool {
	return len(v) > 0 && (v[0] == '"' || v[0] == '-' || v[0] >= '0' && v[0] <= '9')
}

// find returns the value at a path.
func find(body []byte, path []step) (value []byte, found bool) {
	from := skipSpace(body, 0)
	to := skipValue(body, from)
	if to < 0 {
		return nil, false
	}
	for _, s := range path {
		if s.key == nil {
			from, to = element(body, from, s.index)
		} else {
			from, to = memberOf(body, from, s.key)
		}
		if to < 0 {
			return nil, false
		}
	}
	return body[from:to], true
}

// memberOf returns the bounds of an object's member; to is -1 when there is none.
func memberOf(b []byte, i int, key []byte) (from, to int) {
	to = -1
	members(b, i, func(k []byte, f, t int) bool {
		if bytes.Equal(k, key) {
			from, to = f, t
			return false
		}
		return true
	})
	return from, to
}

// element returns the bounds of an array's element; to is -1 when there is none.
func element(b []byte, i, index int) (from, to int) {
	if i >= len(b) || b[i] != '[' {
		return 0, -1
	}
	for i = skipSpace(b, i+1); ; index-- {
		to := skipValue(b, i)
		if to < 0 || index == 0 {
			return i, to
		}
		if i = skipSpace(b, to); i >= len(b) || b[i] != ',' {
			return 0, -1
		}
		i = skipSpace(b, i+1)
	}
}
