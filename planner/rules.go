package planner

import (
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/core"
)

// intRange refuses Int literals beyond 32 bits (GraphQL specification, section 3.5.1).
func intRange(observers *core.Events, addError core.AddErrFunc) {
	observers.OnValue(func(_ *core.Walker, v *ast.Value) {
		if v.Kind != ast.IntValue || v.Definition == nil || v.Definition.Name != "Int" {
			return
		}
		if _, err := strconv.ParseInt(v.Raw, 10, 32); err != nil {
			addError(core.Message("Int cannot represent non 32-bit signed integer value: %s", clip(v.Raw)), core.At(v.Position))
		}
	})
}

// subscriptionConditions refuses @skip and @include at the root of a subscription, whose single field must not depend on variables
// (section 5.2.4.1).
func subscriptionConditions(observers *core.Events, addError core.AddErrFunc) {
	observers.OnOperation(func(w *core.Walker, op *ast.OperationDefinition) {
		if op.Operation == ast.Subscription {
			rootConditions(op.SelectionSet, w.Document.Fragments, map[string]bool{}, func(d *ast.Directive) {
				addError(core.Message("Subscription operations must not use @%s at the root.", d.Name), core.At(d.Position))
			})
		}
	})
}

func rootConditions(set ast.SelectionSet, fragments ast.FragmentDefinitionList, seen map[string]bool, found func(*ast.Directive)) {
	check := func(list ast.DirectiveList) {
		for _, d := range list {
			if d.Name == "skip" || d.Name == "include" {
				found(d)
			}
		}
	}
	for _, sel := range set {
		switch s := sel.(type) {
		case *ast.Field:
			check(s.Directives)
		case *ast.InlineFragment:
			check(s.Directives)
			rootConditions(s.SelectionSet, fragments, seen, found)
		case *ast.FragmentSpread:
			check(s.Directives)
			if f := fragments.ForName(s.Name); f != nil && !seen[s.Name] {
				seen[s.Name] = true
				rootConditions(f.SelectionSet, fragments, seen, found)
			}
		}
	}
}
