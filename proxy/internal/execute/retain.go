package execute

import (
	"bytes"
	"strings"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/planner"
)

// maxTag bounds a tag with an entity's key, as the planner does: a longer key counts as not known, on both sides.
const maxTag = 256

// retain keeps what an answer without errors brought, as far as it was looked for in vain.
func (r *run) retain(step *planner.FetchStep, c *fetchCall) {
	ttl, private := r.e.keeper.life(step.Subgraph, c.call.Head())
	now := time.Now().UnixNano()
	r.fresh.Private = r.fresh.Private || private
	r.fresh.bound(ttl)
	if ttl <= 0 || private && !r.e.keeper.rule(step.Subgraph).Private {
		remember(&r.e.keeper.unkept, step, now+int64(unkeptFor))
		return
	}
	if private {
		remember(&r.e.keeper.private, step, now+int64(privateFor))
	}
	for i := range c.sought {
		x := &c.sought[i]
		if private && !x.own { // it was looked for under a key of everybody: the next time it is the user's
			continue
		}
		if x.found.Fill == nil && r.fresh.TTL <= 0 {
			continue
		}
		if x.end == 0 || !r.name(step, c, i) || r.tags.Len() > maxKeptTags {
			r.fresh.bound(0) // no invalidation would find it
			continue
		}
		if x.own && r.q.Tenant != "" {
			r.tag(cache.TenantTag, r.q.Tenant) // by which what is kept of the tenant is erased
		}
		life := ttl
		if d := r.e.keeper.HoldOff; d > 0 && d < life && r.e.keeper.Store.Unsettled(&r.tags, d, c.sentAt) {
			life = d
		}
		r.fresh.bound(life)
		r.mention(&r.tags)
		if x.found.Fill == nil { // somebody else's
			if r.e.news() != r.fresh.news {
				r.fresh.bound(0)
			}
			continue
		}
		kept := x.found.Fill.Complete(&cache.Draft{
			Body: r.b[x.start:x.end], TTL: life, Private: private, Tags: &r.tags, TimesOnly: true, FetchMicros: uint32(min((now-c.sentAt)/int64(time.Microsecond), 1<<32-1)),
		}, now)
		if x.found = (cache.Result{}); kept == nil { // it was invalidated meanwhile
			r.fresh.bound(0)
		}
	}
}

// name makes r.tags those of what was sought as number i. False: not all that it holds can be named, and so it could not be invalidated.
func (r *run) name(step *planner.FetchStep, c *fetchCall, i int) bool {
	r.tags.Reset()
	r.tagged.reset()
	r.tag(subgraphPrefix, r.plan.Subgraphs[step.Subgraph])
	if step.Kind != planner.FetchEntities {
		layout := &r.plan.Layouts[0]
		for _, e := range r.plan.Outputs[step.Output].Entries {
			if e.Slot >= 0 {
				field, _, _ := strings.Cut(layout.Slots[e.Slot].Field, "(")
				r.tag("Query.", field)
			}
		}
		return r.nameParts(0, step.Output)
	}
	l := len(step.Lookups) - 1
	for int(c.asked.firsts[l]) > i {
		l--
	}
	ref := &c.asked.refs[c.asked.heads[i]]
	return r.nameObject(ref.object, step.Lookups[l].Targets[ref.target].Output, false)
}

// nameObject adds the tags of an object and of those in it that came by the output.
func (r *run) nameObject(o int32, output int, inList bool) bool {
	rec := &r.objects[o]
	if rec.typ == planner.NoType {
		return false
	}
	t := &r.plan.Types[rec.typ]
	r.tag("", t.Name)
	if inList {
		r.tag("list:", t.Name)
	}
	if key := r.keyOf(rec, t); key != nil {
		r.tag(t.Name+":", string(key))
	} else {
		r.tag(t.Name, ":?")
	}
	return r.nameParts(o, output)
}

// keyOf is the value that names an object in a tag, nil when it is not known.
func (r *run) keyOf(rec *objectRecord, t *planner.FetchType) []byte {
	if t.Key == "" {
		return nil
	}
	slots := r.plan.Layouts[rec.layout].Slots
	for i := range slots {
		if slots[i].Field != t.Key {
			continue
		}
		v := r.slots[int(rec.slots)+i]
		if v.kind != leaf {
			continue
		}
		text := bytes.Trim(r.of(v), `"`)
		if len(text) == 0 || len(t.Name)+1+len(text) > maxTag || bytes.IndexByte(text, '\\') >= 0 || string(text) == "?" {
			return nil
		}
		return text
	}
	return nil
}

func (r *run) nameParts(o int32, output int) bool {
	rec := r.objects[o]
	for _, e := range r.plan.Outputs[output].Entries {
		if e.Slot < 0 || e.Output < 0 {
			continue
		}
		layout := r.plan.Layouts[rec.layout].Slots[e.Slot].Layout
		if layout >= 0 && !r.nameValue(r.slots[int(rec.slots)+e.Slot], layout, e.Output, false) {
			return false
		}
	}
	return true
}

func (r *run) nameValue(v value, layout, output int, inList bool) bool {
	switch v.kind {
	case object:
		return r.nameObject(v.at, output, inList)
	case list:
		if v.at == v.end {
			return r.nameAbsent(layout)
		}
		for i := v.at; i < v.end; i++ {
			if !r.nameValue(r.slots[i], layout, output, true) {
				return false
			}
		}
	case null:
		return r.nameAbsent(layout)
	}
	return true
}

// nameAbsent adds what a create has to find where there is a null or an empty list now.
func (r *run) nameAbsent(layout int) bool {
	typ := r.plan.Layouts[layout].Type
	if typ == planner.NoType {
		return false
	}
	r.tag("", r.plan.Types[typ].Name)
	r.tag("list:", r.plan.Types[typ].Name)
	return true
}

// tag adds a tag once.
func (r *run) tag(prefix, name string) {
	r.scratch = append(append(r.scratch[:0], prefix...), name...)
	_, known := r.tagged.find(xxh3.Hash(r.scratch), func(n int32) bool { return bytes.Equal(r.tags.At(int(n)), r.scratch) })
	if !known {
		r.tags.Append(r.scratch)
	}
}
