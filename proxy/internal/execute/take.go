package execute

import (
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
}

func (r *run) fault(f fault) {
	if len(r.errors) < maxErrors {
		r.errors = append(r.errors, f)
	}
}

// failed reports a fetch without an answer, once for each target of its lookups or once for the whole answer.
func (r *run) failed(step *planner.FetchStep, a *asked, code codes.Code) {
	f := fault{text: code.Message(), code: code, service: r.plan.Subgraphs[step.Subgraph]}
	if step.Kind != planner.FetchEntities {
		r.fault(f)
		return
	}
	for l := range step.Lookups {
		last := int32(-1)
		for _, ref := range a.of(l) {
			if ref.target != last {
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

// take merges the answer of a step.
func (r *run) take(s int) {
	step, c := &r.plan.Steps[s], r.calls[s]
	if c.err != nil {
		r.failed(step, &c.asked, codeOf(c.err))
		return
	}
	r.stats.Bytes += len(c.content)
	b := c.content
	if len(b) == 0 || !tape.Check(b) {
		r.failed(step, &c.asked, codes.SubgraphAnswer)
		return
	}
	top := tape.Blank(b, 0)
	errs, some := tape.Get(b, top, "errors")
	some = some && b[errs] == '[' && count(b, errs) > 0
	data, ok := tape.Get(b, top, "data")
	if !some && (!ok || c.status/100 != 2) {
		r.failed(step, &c.asked, codes.SubgraphAnswer)
		return
	}
	odd := r.odd
	if ok && b[data] == '{' {
		if step.Kind == planner.FetchEntities {
			r.entities(step, c, b, data)
		} else {
			r.merge(0, step.Output, b, data)
		}
	} else if ok && b[data] != 'n' {
		r.odd++
	}
	if some {
		r.subgraphErrors(step, c, b, errs)
	}
	if r.odd > odd {
		r.failed(step, &c.asked, codes.SubgraphValue)
	}
}

// entities merges what the lookups brought.
func (r *run) entities(step *planner.FetchStep, c *fetchCall, b []byte, data int) {
	for l := range step.Lookups {
		lookup := &step.Lookups[l]
		at, ok := tape.Get(b, data, lookup.Alias)
		if !ok || b[at] == 'n' {
			continue
		}
		if b[at] != '[' {
			r.odd++
			continue
		}
		if count(b, at) != int(c.asked.sizes[l]) { // nobody knows which answer belongs to which object
			r.odd++
			continue
		}
		found := c.asked.found[:0]
		i := tape.Blank(b, at+1)
		for {
			e, ok := tape.Element(b, i)
			if !ok {
				break
			}
			f := entity{at: -1, object: -1, output: -1}
			if b[e] == '{' {
				f.at = e
			} else if b[e] != 'n' {
				r.odd++
			}
			found = append(found, f)
			i = tape.Next(b, tape.Skip(b, e))
		}
		c.asked.found = found
		for _, ref := range c.asked.of(l) {
			r.entity(lookup.Targets[ref.target].Output, ref.object, &found[ref.representation], b)
		}
	}
}

// entity merges an entity into an object that asked for it, or links what it brought to another one.
func (r *run) entity(output int, o int32, f *entity, b []byte) {
	if f.at < 0 || output == f.output && (o == f.object || r.link(o, f.object, output)) {
		return
	}
	r.merge(o, output, b, f.at)
	f.object, f.output = o, output
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
			at := find(o.Entries, b[e+1:end-1], 0)
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
