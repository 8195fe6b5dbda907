package execute

import (
	"slices"
	"strconv"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/codes"
)

// deliver sends what is complete; false: nobody is there to have it.
func (r *run) deliver() bool {
	if r.began && len(r.waiting) == 0 {
		return true
	}
	if !r.began {
		if r.left[0] > 0 {
			return true
		}
		r.began = true
		if !r.send1st() {
			return false
		}
	}
	for slices.ContainsFunc(r.waiting, func(i instance) bool { return r.left[i.part] == 0 }) {
		if !r.sendReady() {
			return false
		}
	}
	return true
}

// send1st sends the first part.
func (r *run) send1st() bool {
	r.at, r.exact, r.blame = 0, planner.FetchFirst, planner.FetchFirst
	r.path, r.out = r.path[:0], append(r.Buffer[:0], `{"data":`...)
	mark := len(r.out)
	if ok, _ := r.object(0, 0); !ok {
		r.out, r.found = append(r.out[:mark], "null"...), r.found[:0]
	}
	r.appendFaults(func(n int) bool { return r.errors[n].in&planner.FetchFirst != 0 })
	r.announce()
	return r.leave()
}

// announce opens what was found.
func (r *run) announce() {
	if r.Format == Draft && len(r.found) > 0 {
		r.out = append(r.out, `,"pending":[`...)
		for n := range r.found {
			i := &r.found[n]
			i.id = r.ids
			r.ids++
			if n > 0 {
				r.out = append(r.out, ',')
			}
			r.out = append(strconv.AppendInt(append(r.out, `{"id":"`...), int64(i.id), 10), `","path":`...)
			r.out = appendClosed(r.out, i.text)
			r.appendLabel(i.part)
			r.out = append(r.out, '}')
		}
		r.out = append(r.out, ']')
	}
	r.waiting = append(r.waiting, r.found...)
	r.found = r.found[:0]
}

// leave sends the payload.
func (r *run) leave() bool {
	more := len(r.waiting) > 0
	r.out = append(strconv.AppendBool(append(r.out, `,"hasNext":`...), more), '}')
	r.Buffer = r.out
	r.out = nil
	return r.Send(r.Buffer, !more)
}

func appendClosed(b, path []byte) []byte {
	if len(path) == 0 {
		return append(b, "[]"...)
	}
	return append(append(b, path...), ']')
}

func (r *run) appendLabel(part int) {
	if p := &r.plan.Parts[part]; p.Labelled {
		r.out = append(r.out, `,"label":`...)
		r.out = append(r.out, p.Quoted...)
	}
}

// sendReady sends one payload with all that is complete.
func (r *run) sendReady() bool {
	var now []instance
	rest := r.waiting[:0]
	for _, i := range r.waiting {
		if r.left[i.part] == 0 {
			now = append(now, i)
		} else {
			rest = append(rest, i)
		}
	}
	r.waiting = rest
	r.out = append(r.Buffer[:0], '{')
	if r.Format == Legacy {
		r.legacy(now)
	} else {
		r.draft(now)
	}
	r.announce()
	return r.leave()
}

// legacy writes each part as a whole.
func (r *run) legacy(now []instance) {
	r.out = append(r.out, `"incremental":[`...)
	for n := range now {
		i := &now[n]
		if n > 0 {
			r.out = append(r.out, ',')
		}
		r.begins(i)
		r.out = append(r.out, `{"data":`...)
		mark, found, before := len(r.out), len(r.found), len(r.errors)
		ok, _ := r.object(i.object, r.plan.Parts[i.part].Projection)
		if !ok {
			r.out, r.found = append(r.out[:mark], "null"...), r.found[:found]
		}
		r.out = appendClosed(append(r.out, `,"path":`...), i.text)
		r.appendLabel(i.part)
		r.appendFaults(r.faultsOf(i, now, before, !ok))
		r.out = append(r.out, '}')
	}
	r.out = append(r.out, ']')
}

// begins makes an instance the one that is written.
func (r *run) begins(i *instance) {
	r.at, r.exact, r.blame = i.part, 0, 1<<i.part
	r.path = append(r.path[:0], i.path...)
}

// draft writes what is new in each part, and what it was complete with.
func (r *run) draft(now []instance) {
	mark := len(r.out)
	r.out = append(r.out, `"incremental":[`...)
	some := len(r.out)
	completed := make([][]byte, len(now))
	for n := range now {
		i := &now[n]
		r.begins(i)
		start, found, before := len(r.out), len(r.found), len(r.errors)
		told := len(r.nulled)
		w := tour{run: r, instance: i, now: now, some: some, errors: before}
		ok := w.object(i.object, r.plan.Parts[i.part].Projection, 0)
		if ok {
			w.rest()
			w.settle()
			continue
		}
		r.out, r.found = r.out[:start], r.found[:found]
		for ; len(r.nulled) > told; r.nulled = r.nulled[:len(r.nulled)-1] {
			delete(r.isNull, r.nulled[len(r.nulled)-1])
		}
		body := r.out
		r.out = nil
		r.appendFaults(r.faultsOf(i, now, before, true))
		completed[n], r.out = r.out, body
	}
	if len(r.out) == some {
		r.out = r.out[:mark]
	} else {
		r.out = append(r.out, "],"...)
	}
	r.out = append(r.out, `"completed":[`...)
	for n := range now {
		if n > 0 {
			r.out = append(r.out, ',')
		}
		r.out = append(strconv.AppendInt(append(r.out, `{"id":"`...), int64(now[n].id), 10), '"')
		r.out = append(append(r.out, completed[n]...), '}')
	}
	r.out = append(r.out, ']')
}

// tour goes through the objects of an instance for what is new in it.
type tour struct {
	*run
	*instance
	now    []instance
	some   int // where the list of items begins
	errors int // that were there before
	items  int
	shared []string
}

// object writes the fields of an object that come with the part, but those of the set that was written around it; then what lies deeper.
func (w *tour) object(o int32, projection int, around planner.FetchParts) bool {
	p, typ := &w.plan.Projections[projection], w.objects[o].typ
	if p.Types != nil && !p.Types.Has(typ) {
		return true // null
	}
	for i := range p.Fields {
		f := &p.Fields[i]
		if f.For == around || !f.For.Has(w.part) || f.Types != nil && !f.Types.Has(typ) {
			continue
		}
		seen := slices.ContainsFunc(p.Fields[:i], func(g planner.ProjectionField) bool {
			return g.For == f.For && (g.Types == nil || g.Types.Has(typ))
		})
		if !seen && !w.item(o, projection, f.For) {
			return false
		}
	}
	w.exact = 0
	w.start(o, p)
	for i := range p.Fields {
		f := &p.Fields[i]
		if f.Projection < 0 || !f.Below.Has(w.part) || f.Types != nil && !f.Types.Has(typ) {
			continue
		}
		around := f.For
		if !around.Has(w.part) {
			around = 0
		}
		w.run.path = append(w.run.path, pathElement{name: f.Key})
		ok := w.value(f, w.slot(o, f.Slot), around)
		w.run.path = w.run.path[:len(w.run.path)-1]
		if !ok {
			return false
		}
	}
	return true
}

func (w *tour) value(f *planner.ProjectionField, v value, around planner.FetchParts) bool {
	if v.kind < object || w.isNulled() {
		return true
	}
	if v.kind == object {
		return w.object(v.at, f.Projection, around)
	}
	w.run.path = append(w.run.path, pathElement{})
	ok := true
	for i := v.at; i < v.end && ok; i++ {
		w.run.path[len(w.run.path)-1].index = i - v.at
		ok = w.value(f, w.slots[i], around)
	}
	w.run.path = w.run.path[:len(w.run.path)-1]
	return ok
}

// item writes the fields of an object that a set of parts brings.
func (w *tour) item(o int32, projection int, set planner.FetchParts) bool {
	r := w.run
	if set != 1<<w.part {
		key := strconv.FormatUint(uint64(set), 16) + string(r.here())
		if r.told[key] {
			return true
		}
		w.shared = append(w.shared, key)
	}
	w.item1()
	r.out = append(r.out, `,"data":`...)
	r.exact = set
	before := len(r.errors)
	ok, _ := r.object(o, projection)
	r.exact = 0
	if !ok {
		return false
	}
	if w.items == 1 {
		w.close(r.faultsOf(w.instance, w.now, w.errors, false))
	} else {
		w.close(func(n int) bool { return n >= before })
	}
	return true
}

// item1 begins an item at the path under way.
func (w *tour) item1() {
	r := w.run
	if w.items++; len(r.out) > w.some {
		r.out = append(r.out, ',')
	}
	r.out = append(strconv.AppendInt(append(r.out, `{"id":"`...), int64(w.id), 10), '"')
	if below := r.path[w.depth:]; len(below) > 0 {
		whole := r.path
		r.path = below
		r.out = appendClosed(append(r.out, `,"subPath":`...), r.here())
		r.path = whole
	}
}

// close ends an item with the errors that are chosen.
func (w *tour) close(c chosen) {
	w.run.appendFaults(c)
	w.run.out = append(w.run.out, '}')
}

// rest tells errors for which there was no item.
func (w *tour) rest() {
	if w.items > 0 {
		return
	}
	if c := w.faultsOf(w.instance, w.now, w.errors, false); w.run.some(c) {
		w.run.path = append(w.run.path[:0], w.instance.path...)
		w.item1()
		w.run.out = append(w.run.out, `,"data":{}`...)
		w.close(c)
	}
}

// settle keeps what several parts have from being told again.
func (w *tour) settle() {
	if len(w.shared) > 0 && w.told == nil {
		w.run.told = map[string]bool{}
	}
	for _, key := range w.shared {
		w.run.told[key] = true
	}
}

// chosen tells of an error of the run, by its index, whether it belongs to what is written.
type chosen func(i int) bool

// faultsOf chooses the errors of an instance: those of its part at or below its path, those of its part that are at no instance, told with the
// first one, and those from before on. failed: it is null, and something has to say why.
func (r *run) faultsOf(i *instance, now []instance, before int, failed bool) chosen {
	own := func(n int) bool {
		f := &r.errors[n]
		switch {
		case n >= before:
			return true
		case !f.in.Has(i.part):
			return false
		}
		return under(f.path, i.text) || r.isFirst(i, now) && !slices.ContainsFunc(now, func(o instance) bool { return o.part == i.part && under(f.path, o.text) })
	}
	if !failed || r.some(own) {
		return own
	}
	if near := func(n int) bool { return under(r.errors[n].path, i.text) }; r.some(near) {
		return near
	}
	r.blame = 1 << i.part
	at := min(len(r.errors), maxErrors-1)
	r.errors = append(r.errors[:at], fault{text: codes.SubgraphValue.Message(), code: codes.SubgraphValue, path: i.text, in: r.blame})
	return func(n int) bool { return n == at }
}

func (r *run) some(c chosen) bool {
	for n := range r.errors {
		if c(n) {
			return true
		}
	}
	return false
}

func (r *run) isFirst(i *instance, now []instance) bool {
	first := slices.IndexFunc(now, func(o instance) bool { return o.part == i.part })
	return first >= 0 && now[first].id == i.id && string(now[first].text) == string(i.text)
}

// appendFaults appends the errors that are chosen.
func (r *run) appendFaults(c chosen) {
	some := false
	for n := range r.errors {
		if !c(n) {
			continue
		}
		if !some {
			r.out = append(r.out, `,"errors":[`...)
		} else {
			r.out = append(r.out, ',')
		}
		some = true
		r.out = r.errors[n].append(r.out)
	}
	if some {
		r.out = append(r.out, ']')
	}
}
