package planner

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// interpreter executes a plan as slowly and plainly as package fetch describes it: the oracle of the planner's tests.
type interpreter struct {
	plan   *FetchPlan
	values *Values
	send   func(step *FetchStep, body string) (map[string]any, error)
	root   *thing
	sent   int
	errs   []string
}

// thing is an object of the answer.
type thing struct {
	layout int
	typ    TypeID
	slots  map[int]any // absent, nil, a leaf, *thing or []any
}

var errNull = errors.New("null")

func (x *interpreter) run() (any, error) {
	x.root = x.object(0)
	for i := range x.plan.Steps {
		if err := x.step(&x.plan.Steps[i]); err != nil {
			return nil, err
		}
	}
	out, err := x.project(0, x.root)
	if errors.Is(err, errNull) {
		return nil, nil
	}
	return out, err
}

func (x *interpreter) object(layout int) *thing {
	return &thing{layout, x.plan.Layouts[layout].Type, map[int]any{}}
}

func (x *interpreter) step(s *FetchStep) error {
	var members []string
	found := make([][][]*thing, len(s.Lookups)) // by lookup, representation
	outputs := map[*thing]int{}
	any := len(s.Lookups) == 0
	for i, l := range s.Lookups {
		var texts []string
		for _, t := range l.Targets {
			for _, o := range x.targets(x.root, t.Path) {
				text, ok := x.represent(t.Representation, o)
				if !ok {
					continue
				}
				outputs[o] = t.Output
				n := -1
				for j, known := range texts {
					if known == text {
						n = j
					}
				}
				if n < 0 {
					n = len(texts)
					texts = append(texts, text)
					found[i] = append(found[i], nil)
				}
				found[i][n] = append(found[i][n], o)
			}
		}
		any = any || len(texts) > 0
		members = append(members, fmt.Sprintf(`"%s":[%s]`, l.Variable, strings.Join(texts, ",")))
	}
	if !any {
		return nil
	}
	for _, v := range s.Variables {
		if value := x.values.Find(v, nil); value.Present() {
			members = append(members, fmt.Sprintf(`"%s":%s`, v, value.AppendJSON(nil)))
		}
	}
	x.sent++
	data, err := x.send(s, string(s.Prefix)+strings.Join(members, ",")+string(s.Suffix))
	if err != nil {
		x.errs = append(x.errs, err.Error())
	}
	if s.Output >= 0 && data != nil {
		x.merge(s.Output, x.root, data)
	}
	for i, l := range s.Lookups {
		list, _ := data[l.Alias].([]interface{})
		for j, things := range found[i] {
			if j >= len(list) {
				break
			}
			if entity, ok := list[j].(map[string]interface{}); ok {
				for _, o := range things {
					x.merge(outputs[o], o, entity)
				}
			}
		}
	}
	return nil
}

func (x *interpreter) targets(from any, path []FetchPathStep) (out []*thing) {
	o, ok := from.(*thing)
	if !ok {
		return nil
	}
	if len(path) == 0 {
		return []*thing{o}
	}
	var each func(v any)
	each = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				each(e)
			}
		case *thing:
			if path[0].Types.Has(v.typ) {
				out = append(out, x.targets(v, path[1:])...)
			}
		}
	}
	each(o.slots[path[0].Slot])
	return out
}

func (x *interpreter) represent(i int, o *thing) (string, bool) {
	r := &x.plan.Representations[i]
	var parts []string
	switch {
	case r.OwnTypename:
		if o.typ == NoType {
			return "", false
		}
		parts = append(parts, `"__typename":"`+x.plan.Types[o.typ].Name+`"`)
	case r.Typename != "":
		parts = append(parts, `"__typename":"`+r.Typename+`"`)
	}
	for _, f := range r.Fields {
		if !f.Types.Has(o.typ) {
			continue
		}
		v, ok := o.slots[f.Slot]
		if !ok || v == nil && f.NonNull {
			return "", false
		}
		text, ok := x.value(f.Representation, v)
		if !ok {
			return "", false
		}
		parts = append(parts, string(f.Prefix)+text)
	}
	return "{" + strings.Join(parts, ",") + "}", true
}

func (x *interpreter) value(representation int, v any) (string, bool) {
	switch v := v.(type) {
	case *thing:
		return x.represent(representation, v)
	case []any:
		if representation < 0 {
			break
		}
		var parts []string
		for _, e := range v {
			text, ok := x.value(representation, e)
			if !ok {
				return "", false
			}
			parts = append(parts, text)
		}
		return "[" + strings.Join(parts, ",") + "]", true
	}
	text, _ := json.Marshal(v)
	return string(text), true
}

func (x *interpreter) merge(output int, o *thing, data map[string]any) {
	for _, e := range x.plan.Outputs[output].Entries {
		v, ok := data[e.Key]
		if !ok {
			continue
		}
		if e.Slot == TypenameSlot {
			if name, ok := v.(string); ok && o.typ == NoType {
				o.typ = x.plan.TypeOf([]byte(name))
			}
			continue
		}
		o.slots[e.Slot] = x.mergeValue(e.Output, x.plan.Layouts[o.layout].Slots[e.Slot].Layout, o.slots[e.Slot], v)
	}
}

func (x *interpreter) mergeValue(output, layout int, old, v any) any {
	if v == nil {
		return old
	}
	if output < 0 {
		if old != nil {
			return old
		}
		return v
	}
	switch v := v.(type) {
	case []any:
		list, _ := old.([]any)
		if old == nil {
			list = make([]any, len(v))
		}
		for i := range min(len(list), len(v)) {
			list[i] = x.mergeValue(output, layout, list[i], v[i])
		}
		return list
	case map[string]any:
		o, _ := old.(*thing)
		if o == nil {
			o = x.object(layout)
		}
		x.merge(output, o, v)
		return o
	}
	return old
}

func (x *interpreter) project(i int, o *thing) (any, error) {
	p := &x.plan.Projections[i]
	if !p.Types.Has(o.typ) {
		x.errs = append(x.errs, "a type that cannot be here")
		return nil, errNull
	}
	out := map[string]any{}
	for _, f := range p.Fields {
		if !f.Types.Has(o.typ) {
			continue
		}
		if _, twice := out[f.Key]; twice {
			return nil, fmt.Errorf("%s is written twice", f.Key)
		}
		var v any
		switch f.Leaf {
		case LeafTypename:
			v = x.plan.Types[o.typ].Name
		case LeafConstant:
			_ = json.Unmarshal(f.Constant, &v)
		default:
			v = o.slots[f.Slot]
		}
		w, err := x.field(&f, 0, v)
		if err != nil {
			return nil, err
		}
		out[f.Key] = w
	}
	return out, nil
}

func (x *interpreter) field(f *ProjectionField, level int, v any) (any, error) {
	out := v
	var err error
	list, isList := v.([]any)
	switch {
	case v == nil:
	case level < int(f.Wrap.Lists):
		if !isList {
			return nil, fmt.Errorf("%s: no list", f.Key)
		}
		var values []any
		for _, e := range list {
			w, bad := x.field(f, level+1, e)
			if bad != nil {
				err = bad
			}
			values = append(values, w)
		}
		out = values
		if len(list) == 0 {
			out = []any{}
		}
	case f.Leaf == LeafObject:
		out, err = x.project(f.Projection, v.(*thing))
	case f.Leaf == LeafEnum:
		if !f.Enum.Has([]byte(v.(string))) {
			x.errs = append(x.errs, "an enum's value")
			out = nil
		}
	}
	if err != nil && !errors.Is(err, errNull) {
		return nil, err
	}
	if err != nil {
		out = nil
	}
	if out == nil && f.Wrap.Required(level) {
		if err == nil {
			x.errs = append(x.errs, f.Key+" is null")
		}
		return nil, errNull
	}
	return out, nil
}
