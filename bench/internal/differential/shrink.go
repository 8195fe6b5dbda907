package differential

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	"github.com/vektah/gqlparser/v2/parser"
)

// maxTrials and maxShrinking bound what is done to make a case smaller.
const (
	maxTrials    = 3000
	maxShrinking = 20 * time.Second
)

// shrink makes a case that fails smaller: it drops what the operation selects, then what the schema has, as long as the case fails in the same way.
func (w *world) shrink(ctx context.Context, d *difference) (*world, *difference) {
	ctx, cancel := context.WithTimeout(ctx, maxShrinking)
	defer cancel()
	for trials := 0; trials < maxTrials && ctx.Err() == nil; {
		before := len(d.op.Query) + w.size()
		d = w.shrinkOperation(ctx, d, &trials)
		w, d = w.shrinkSchema(ctx, d, &trials)
		if len(d.op.Query)+w.size() >= before {
			break
		}
	}
	return w, d
}

func (w *world) size() int {
	n := 0
	for _, t := range w.schema.Types {
		n += 1 + len(t.Fields)
		for _, f := range t.Fields {
			n += len(f.Parts)
		}
	}
	return n
}

// shrinkOperation drops selections, or puts in their place what is below.
func (w *world) shrinkOperation(ctx context.Context, d *difference, trials *int) *difference {
	for i := 0; *trials < maxTrials && ctx.Err() == nil; {
		*trials++
		text, more := without(d.op.Query, i)
		if !more {
			return d
		}
		smaller, valid := w.compare(ctx, operation{text, d.op.Variables})
		if valid && smaller != nil && smaller.kind == d.kind && len(text) < len(d.op.Query) {
			d = smaller
		} else {
			i++
		}
	}
	return d
}

// without returns a document with the i-th change made to it: for each selection it is left out, is replaced by what it selects, or loses its directives.
func without(text string, i int) (out string, more bool) {
	doc, err := parser.ParseQuery(&ast.Source{Input: text})
	if err != nil {
		return "", false
	}
	n := 0
	done := false
	var walk func(set ast.SelectionSet) ast.SelectionSet
	walk = func(set ast.SelectionSet) ast.SelectionSet {
		for at := 0; at < len(set) && !done; at++ {
			for change := range 3 {
				if n++; n-1 != i {
					continue
				}
				done = true
				switch change {
				case 0:
					return slices.Delete(slices.Clone(set), at, at+1)
				case 1:
					return slices.Replace(slices.Clone(set), at, at+1, below(doc, set[at])...)
				}
				plain(set[at])
				return set
			}
			switch s := set[at].(type) {
			case *ast.Field:
				s.SelectionSet = walk(s.SelectionSet)
			case *ast.InlineFragment:
				s.SelectionSet = walk(s.SelectionSet)
			}
		}
		return set
	}
	for _, o := range doc.Operations {
		o.SelectionSet = walk(o.SelectionSet)
	}
	for _, f := range doc.Fragments {
		f.SelectionSet = walk(f.SelectionSet)
	}
	if !done {
		return "", false
	}
	return tidy(doc), true
}

// below is what may stand in place of a selection.
func below(doc *ast.QueryDocument, s ast.Selection) ast.SelectionSet {
	switch s := s.(type) {
	case *ast.InlineFragment:
		return s.SelectionSet
	case *ast.FragmentSpread:
		if f := doc.Fragments.ForName(s.Name); f != nil {
			return ast.SelectionSet{&ast.InlineFragment{TypeCondition: f.TypeCondition, SelectionSet: f.SelectionSet}}
		}
	case *ast.Field:
		return s.SelectionSet
	}
	return nil
}

// plain takes directives and arguments away.
func plain(s ast.Selection) {
	switch s := s.(type) {
	case *ast.Field:
		if s.Directives == nil {
			s.Arguments = nil
		}
		s.Directives = nil
	case *ast.InlineFragment:
		s.Directives = nil
	case *ast.FragmentSpread:
		s.Directives = nil
	}
}

// tidy prints a document without fragments and variables that nothing uses.
func tidy(doc *ast.QueryDocument) string {
	for {
		var b strings.Builder
		formatter.NewFormatter(&b, formatter.WithIndent("  ")).FormatQueryDocument(doc)
		text := b.String()
		count := len(doc.Fragments)
		doc.Fragments = slices.DeleteFunc(doc.Fragments, func(f *ast.FragmentDefinition) bool {
			return !strings.Contains(text, "... "+f.Name+"\n") && !strings.Contains(text, "..."+f.Name+"\n") && !strings.Contains(text, "..."+f.Name+" ")
		})
		for _, o := range doc.Operations {
			before := len(o.VariableDefinitions)
			o.VariableDefinitions = slices.DeleteFunc(o.VariableDefinitions, func(v *ast.VariableDefinition) bool {
				return countName(text, "$"+v.Variable) < 2
			})
			count += before - len(o.VariableDefinitions)
		}
		if count == len(doc.Fragments) {
			return text
		}
	}
}

// countName counts where a name stands that no other letter or digit follows.
func countName(text, name string) int {
	n := 0
	for {
		_, rest, found := strings.Cut(text, name)
		if !found {
			return n
		}
		if rest == "" || !strings.ContainsAny(rest[:1], "0123456789") {
			n++
		}
		text = rest
	}
}

// tell shows a case.
func (w *world) tell(d *difference) string {
	var b strings.Builder
	for g, name := range w.schema.Graphs {
		fmt.Fprintf(&b, "--- subgraph %s\n%s", name, w.schema.Subgraph(g))
	}
	fmt.Fprintf(&b, "--- operation\n%s\nvariables %s\n--- plan\n%s\nwant   %s\ngot    %s\n", d.op.Query, d.op.Variables, d.plan, d.want, d.got)
	return b.String()
}
