package assemble

import (
	"strconv"
	"strings"

	"github.com/weirproxy/weir/planner/internal/fetch"
	"github.com/weirproxy/weir/planner/internal/join"
	"github.com/weirproxy/weir/planner/internal/route"
)

// layouts numbers scopes. Scopes of the same slots share a layout, so that what one entity's answer is for several places can be shared.
type layouts struct {
	*builder
	of    map[*route.Scope]int
	known map[string]int
	slots map[*route.Slot]int
}

func (l *layouts) layout(s *route.Scope) int {
	if i, ok := l.of[s]; ok {
		return i
	}
	root := len(l.of) == 0
	if root { // is layout 0
		l.of[s] = 0
		l.plan.Layouts = append(l.plan.Layouts, fetch.Layout{})
	}
	var key strings.Builder
	layout := fetch.Layout{Type: l.static(s)}
	key.WriteString(strconv.Itoa(int(layout.Type)))
	for i, slot := range s.Slots {
		l.slots[slot] = i
		x := fetch.Slot{Name: slot.Key, Client: slot.Client, Layout: -1, Field: slot.Nodes[0].Name + slot.Nodes[0].Arguments}
		if slot.Scope != nil {
			x.Layout = l.layout(slot.Scope)
		}
		layout.Slots = append(layout.Slots, x)
		key.WriteString("|" + x.Name + "|" + x.Field + "|" + strconv.Itoa(x.Layout) + strconv.FormatBool(x.Client))
	}
	if root {
		l.plan.Layouts[0] = layout
		return 0
	}
	i, ok := l.known[key.String()]
	if !ok {
		i = len(l.plan.Layouts)
		layout.ID = i
		l.known[key.String()] = i
		l.plan.Layouts = append(l.plan.Layouts, layout)
	}
	l.of[s] = i
	return i
}

// static is the only type that can stand in a scope.
func (l *layouts) static(s *route.Scope) fetch.TypeID {
	out := fetch.NoType
	for i, p := range s.Places {
		if p.Declared.Kind != join.Object {
			return fetch.NoType
		}
		id := l.typeID(p.Declared.Object)
		if i > 0 && id != out {
			return fetch.NoType
		}
		out = id
	}
	return out
}

// typeID numbers an object type.
func (b *builder) typeID(object int) fetch.TypeID {
	if id, ok := b.typeIDs[object]; ok {
		return id
	}
	id := fetch.TypeID(len(b.plan.Types))
	t := b.s.Objects[object]
	b.typeIDs[object] = id
	b.plan.Types = append(b.plan.Types, fetch.Type{Name: t.Name, Inaccessible: t.Inaccessible})
	return id
}

// typeSet turns a set of the model into one of the plan.
func (b *builder) typeSet(s join.Set) fetch.TypeSet {
	out := make(fetch.TypeSet, 0, 1)
	for o := range s.All {
		out = out.Add(b.typeID(o))
	}
	return out
}
