package differential

import (
	"context"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/bench/internal/federated"
)

// shrinkSchema drops fields, what graphs know of them, and types that nothing needs. Tables stay as they are for all that is left.
func (w *world) shrinkSchema(ctx context.Context, d *difference, trials *int) (*world, *difference) {
	if d.kind == "plan" { // a schema with less may be one that cannot be answered
		return w, d
	}
	for i := 0; *trials < maxTrials && ctx.Err() == nil; {
		schema, more := reduced(w.schema, i)
		if !more {
			break
		}
		i++
		if schema == nil {
			continue
		}
		*trials++
		smaller := &world{seed: w.seed, schema: schema, clean: w.clean, server: w.server}
		if smaller.open() != nil {
			smaller.close()
			continue
		}
		if fails, valid := smaller.compare(ctx, d.op); valid && fails != nil && fails.kind == d.kind {
			w.close()
			w, d = smaller, fails
			i--
			continue
		}
		smaller.close()
	}
	return w, d
}

// reduced returns a copy of a schema with the i-th reduction; nil when that is not possible.
func reduced(s *federated.Schema, i int) (out *federated.Schema, more bool) {
	names := fieldNames(s)
	if i < len(names) {
		if named(s, names[i], -1) {
			return nil, true
		}
		out = clone(s)
		for _, t := range out.Types {
			t.Fields = slices.DeleteFunc(t.Fields, func(f *federated.Field) bool { return f.Name == names[i] })
		}
		return dropEmpty(out), true
	}
	i -= len(names)
	out = clone(s)
	for _, t := range out.Types {
		if t.Kind == ast.InputObject { // is in selections, too, where fields are given arguments
			continue
		}
		for _, f := range t.Fields {
			if i < len(f.Parts) {
				p := f.Parts[i]
				if named(s, f.Name, p.Graph) || len(f.Parts) == 1 {
					return nil, true
				}
				f.Parts = slices.Delete(f.Parts, i, i+1)
				return dropEmpty(out), true
			}
			i -= len(f.Parts)
		}
	}
	if i < len(out.Types) {
		out.Types = slices.Delete(out.Types, i, i+1)
		return out, true
	}
	return nil, false
}

func fieldNames(s *federated.Schema) []string {
	var out []string
	for _, t := range s.Types {
		for _, f := range t.Fields {
			if t.Kind != ast.InputObject && !slices.Contains(out, f.Name) {
				out = append(out, f.Name)
			}
		}
	}
	return out
}

// named tells that a selection of a graph (-1: of any) names a field.
func named(s *federated.Schema, name string, graph int) bool {
	in := func(text string) bool {
		return slices.Contains(strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" {}().:", r) }), name)
	}
	for _, t := range s.Types {
		for _, p := range t.Parts {
			if (graph < 0 || p.Graph == graph) && slices.ContainsFunc(p.Keys, func(k federated.Key) bool { return in(k.Fields) }) {
				return true
			}
		}
		for _, f := range t.Fields {
			for _, p := range f.Parts {
				if (graph < 0 || p.Graph == graph) && (in(p.Requires) || in(p.Provides)) {
					return true
				}
			}
		}
	}
	return false
}

func clone(s *federated.Schema) *federated.Schema {
	out := &federated.Schema{Graphs: s.Graphs}
	for _, t := range s.Types {
		c := *t
		c.Parts = slices.Clone(t.Parts)
		c.Fields = nil
		for _, f := range t.Fields {
			g := *f
			g.Parts = slices.Clone(f.Parts)
			c.Fields = append(c.Fields, &g)
		}
		out.Types = append(out.Types, &c)
	}
	return out
}

// dropEmpty drops roots that have no fields in a graph.
func dropEmpty(s *federated.Schema) *federated.Schema {
	for _, t := range s.Types {
		if isRoot(t) {
			t.Parts = slices.DeleteFunc(t.Parts, func(p federated.Part) bool {
				return !slices.ContainsFunc(t.Fields, func(f *federated.Field) bool { return f.In(p.Graph) != nil })
			})
		}
	}
	s.Types = slices.DeleteFunc(s.Types, func(t *federated.Type) bool { return len(t.Parts) == 0 })
	return s
}
