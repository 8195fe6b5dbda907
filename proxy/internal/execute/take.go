package execute

import (
	"net/http"
	"strconv"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/codes"
	"github.com/weirproxy/weir/proxy/internal/tape"
)

// maxErrors bounds the errors of an answer.
const maxErrors = 100

// fault is an error of the client's answer.
type fault struct {
	text       string // of ours; empty: message
	message    []byte // a JSON string as the subgraph wrote it
	extensions []byte // a JSON object as the subgraph wrote it; nil: none
	path       []byte // a JSON array without its closing bracket; nil: none
	service    string
	code       codes.Code // of ours
	in         planner.FetchParts
}

func (r *run) fault(f fault) {
	if f.in = r.blame; len(r.errors) < maxErrors {
		r.errors = append(r.errors, f)
	}
}

// failed reports a fetch without an answer, once for each target of its lookups or once for the whole answer.
func (r *run) failed(step *planner.FetchStep, a *asked, code codes.Code) {
	r.faulty[step.ID] = true
	f := fault{text: code.Message(), code: code, service: r.plan.Subgraphs[step.Subgraph]}
	if step.Kind != planner.FetchEntities {
		r.failedRoot(step, f)
		return
	}
	for l := range step.Lookups {
		last := int32(-1)
		for _, ref := range a.of(l) {
			if ref.target != last && ref.representation >= 0 {
				last = ref.target
				for n, s := range a.steps[ref.path : ref.path+ref.pathLen] {
					if s >= 0 { // the list stands for its elements
						ref.pathLen = int32(n)
						break
					}
				}
				f.path, _ = r.pathOf(step, l, ref, a)
				r.fault(f)
			}
		}
	}
}

// failedRoot reports a fetch from the root, once for each field of the client's that it was to bring; of an answer that holds odd values
// nobody knows whose they are.
func (r *run) failedRoot(step *planner.FetchStep, f fault) {
	told := false
	if f.code != codes.SubgraphValue && step.Output >= 0 {
		o := &r.plan.Outputs[step.Output]
		for i := range o.Entries {
			if s := o.Entries[i].Slot; s >= 0 && r.plan.Layouts[o.Layout].Slots[s].Client {
				f.path, told = appendName(nil, r.plan.Layouts[o.Layout].Slots[s].Name), true
				r.fault(f)
			}
		}
	}
	if !told {
		r.fault(f)
	}
}

// take merges the answer of a step.
func (r *run) take(s int) {
	step, c := &r.plan.Steps[s], r.calls[s]
	r.blame = step.For
	use := r.used(step, c, c.err)
	if c.err != nil {
		r.failed(step, &c.asked, codeOf(c.err))
		return
	}
	r.stats.Bytes += len(c.content)
	usable, some := r.read(step, c)
	switch {
	case !usable:
		use.Errors++
		c.call.Unusable()
	case some:
		use.Errors++
		c.call.Partial()
	case r.faulty[s] || c.status != http.StatusOK:
		r.fresh.bound(0)
	case len(c.sought) > 0:
		r.retain(step, c)
	default:
		r.unsought(step, c)
	}
}

// read merges the content of a step's answer and reports what is wrong with it: it is not usable at all, or there are some errors in it.
func (r *run) read(step *planner.FetchStep, c *fetchCall) (usable, some bool) {
	r.texts[step.ID] = c.content
	r.b, r.text, r.pending = c.content, uint16(step.ID), r.pending[:0]
	r.changes = r.changes[:0]
	before := r.mark()
	top, ok := r.readAnswer(step, c)
	some = ok && top.errors > 0 && count(r.b, top.errors) > 0
	if !ok || !some && (!top.data || c.status/100 != 2) {
		r.rollback(before)
		r.failed(step, &c.asked, codes.SubgraphAnswer)
		return false, false
	}
	if some {
		r.faulty[step.ID] = true
		r.subgraphErrors(step, c, r.b, top.errors)
	}
	if r.odd > before.odd {
		r.failed(step, &c.asked, codes.SubgraphValue)
	}
	return true, some
}

// answered is what the top of an answer has.
type answered struct {
	data   bool
	errors int // where a list of errors begins; 0: there is none
}

// readAnswer reads a whole answer and merges its data; ok is false when it is malformed.
func (r *run) readAnswer(step *planner.FetchStep, c *fetchCall) (top answered, ok bool) {
	i := tape.Blank(r.b, 0)
	if i >= len(r.b) || r.b[i] != '{' {
		return top, false
	}
	var key []byte
	errors := false
	i, end := r.open(i, '}')
	for i >= 0 {
		var at int
		if key, at = r.key(i); at < 0 {
			return top, false
		}
		switch {
		case string(key) == "data" && !top.data:
			top.data = true
			at = r.readData(step, c, at)
		case string(key) == "errors" && !errors:
			errors = true
			if r.b[at] == '[' {
				top.errors = at
			}
			at = tape.Value(r.b, at, 1)
		default:
			at = tape.Value(r.b, at, 1)
		}
		i, end = r.after(at, '}')
	}
	return top, end >= 0 && tape.Blank(r.b, end) == len(r.b)
}

func (r *run) readData(step *planner.FetchStep, c *fetchCall, i int) int {
	switch {
	case r.b[i] != '{':
		if r.b[i] != 'n' {
			r.odd++
		}
		return tape.Value(r.b, i, 1)
	case step.Kind != planner.FetchEntities:
		end := r.merge(0, step.Output, i, 1)
		if len(c.sought) > 0 {
			c.sought[0].start, c.sought[0].end = i, end
		}
		return end
	}
	var seen uint64
	i, end := r.open(i, '}')
	for i >= 0 {
		key, at := r.key(i)
		if at < 0 {
			return -1
		}
		l := lookupOf(step.Lookups, key)
		switch {
		case l < 0 || l < 64 && seen>>l&1 != 0 || r.b[at] == 'n':
			at = tape.Value(r.b, at, 2)
		case r.b[at] != '[':
			r.odd++
			at = tape.Value(r.b, at, 2)
		default:
			at = r.entities(&step.Lookups[l], c, l, at)
		}
		if l >= 0 && l < 64 {
			seen |= 1 << l
		}
		i, end = r.after(at, '}')
	}
	return end
}

func lookupOf(lookups []planner.FetchLookup, key []byte) int {
	for l := range lookups {
		if lookups[l].Alias == string(key) {
			return l
		}
	}
	return -1
}

// entities merges the list that a lookup brought. When it has another length than what was asked for, nobody knows which answer belongs to
// which object, and nothing is merged.
func (r *run) entities(lookup *planner.FetchLookup, c *fetchCall, l, i int) int {
	a := &c.asked
	before := r.mark()
	heads := a.headsOf(l)
	n := 0
	i, end := r.open(i, ']')
	for i >= 0 {
		if i >= len(r.b) {
			return -1
		}
		var at int
		if r.b[i] == '{' && n < len(heads) {
			at = r.entity(lookup, a, heads[n], i)
			if k := int(a.firsts[l]) + n; k < len(c.sought) {
				c.sought[k].start, c.sought[k].end = i, at
			}
		} else {
			if r.b[i] != '{' && r.b[i] != 'n' {
				r.odd++
			}
			at = tape.Value(r.b, i, 3)
		}
		n++
		i, end = r.after(at, ']')
	}
	if end >= 0 && n != len(heads) {
		r.rollback(before)
		r.odd++
	}
	return end
}

// entity merges the entity at i into the objects that asked for it: into the first by reading it, into others of the same output by a link.
func (r *run) entity(lookup *planner.FetchLookup, a *asked, ref int32, i int) (end int) {
	object, output := int32(-1), -1
	for ; ref >= 0; ref = a.refs[ref].next {
		o, out := a.refs[ref].object, lookup.Targets[a.refs[ref].target].Output
		if out == output && (o == object || r.link(o, object, output)) {
			continue
		}
		if end = r.merge(o, out, i, 3); end < 0 {
			return -1
		}
		object, output = o, out
	}
	return end
}

// subgraphErrors takes over a subgraph's errors.
func (r *run) subgraphErrors(step *planner.FetchStep, c *fetchCall, b []byte, i int) {
	i = tape.Blank(b, i+1)
	for {
		e, ok := tape.Element(b, i)
		if !ok {
			return
		}
		r.subgraphError(step, c, b, e)
		i = tape.Next(b, tape.Skip(b, e))
	}
}

func (r *run) subgraphError(step *planner.FetchStep, c *fetchCall, b []byte, e int) {
	f := fault{service: r.plan.Subgraphs[step.Subgraph]}
	if m, ok := tape.Get(b, e, "message"); ok && b[m] == '"' {
		f.message = b[m:tape.Skip(b, m)]
	} else {
		f.text = "The subgraph reported an error."
	}
	if x, ok := tape.Get(b, e, "extensions"); ok && b[x] == '{' {
		f.extensions = b[x:tape.Skip(b, x)]
	}
	if r.e.cfg.Mask {
		f.text, f.message, f.extensions = "The subgraph reported an error.", nil, nil
	}
	at, ok := tape.Get(b, e, "path")
	if !ok || b[at] != '[' {
		r.fault(f)
		return
	}
	at = tape.Blank(b, at+1)
	if step.Kind != planner.FetchEntities {
		f.path = r.appendPath(nil, step.Output, b, at)
		r.fault(f)
		return
	}
	for l := range step.Lookups {
		first, ok := tape.Element(b, at)
		if !ok || string(b[first:tape.Skip(b, first)]) != `"`+step.Lookups[l].Alias+`"` {
			continue
		}
		second, ok := tape.Element(b, tape.Next(b, tape.Skip(b, first)))
		if !ok {
			break
		}
		end := tape.Skip(b, second)
		n, err := strconv.Atoi(string(b[second:end]))
		if err != nil {
			break
		}
		for _, ref := range c.asked.of(l) {
			if int(ref.representation) != n {
				continue
			}
			var whole bool
			if f.path, whole = r.pathOf(step, l, ref, &c.asked); whole {
				f.path = r.appendPath(f.path, step.Lookups[l].Targets[ref.target].Output, b, tape.Next(b, end))
			}
			r.fault(f)
		}
		return
	}
	r.fault(f)
}

// pathOf returns the path of an object that was asked for; whole is false when it was cut off at a slot that is not the client's.
func (r *run) pathOf(step *planner.FetchStep, lookup int, ref reference, a *asked) (path []byte, whole bool) {
	t := &step.Lookups[lookup].Targets[ref.target]
	layout := 0
	for _, s := range a.steps[ref.path : ref.path+ref.pathLen] {
		if s >= 0 {
			path = appendIndex(path, s)
			continue
		}
		slot := &r.plan.Layouts[layout].Slots[t.Path[^s].Slot]
		if !slot.Client {
			return path, false
		}
		path, layout = appendName(path, slot.Name), slot.Layout
	}
	return path, true
}

// appendPath appends a subgraph's path from i of b on, in the client's names.
func (r *run) appendPath(path []byte, output int, b []byte, i int) []byte {
	for {
		e, ok := tape.Element(b, i)
		if !ok {
			return path
		}
		end := tape.Skip(b, e)
		if b[e] != '"' {
			n, err := strconv.ParseInt(string(b[e:end]), 10, 32)
			if err != nil {
				return path
			}
			path = appendIndex(path, int32(n))
		} else {
			if output < 0 {
				return path
			}
			o := &r.plan.Outputs[output]
			at := find(o.Entries, b[e+1:end-1])
			if at < 0 || o.Entries[at].Slot < 0 {
				return path
			}
			slot := &r.plan.Layouts[o.Layout].Slots[o.Entries[at].Slot]
			if !slot.Client {
				return path
			}
			path, output = appendName(path, slot.Name), o.Entries[at].Output
		}
		i = tape.Next(b, end)
	}
}

func separate(path []byte) []byte {
	if len(path) == 0 {
		return append(path, '[')
	}
	return append(path, ',')
}

func appendName(path []byte, name string) []byte {
	return append(append(append(separate(path), '"'), name...), '"')
}

func appendIndex(path []byte, i int32) []byte {
	return strconv.AppendInt(separate(path), int64(i), 10)
}
