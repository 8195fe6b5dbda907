package planner

import (
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/core"
)

// deferRules are those of the specification's draft on @defer and @stream (incremental delivery): labels are unique and no variables, and the
// root fields of a mutation or a subscription are answered at once.
func deferRules() []core.Rule {
	return []core.Rule{
		{Name: "DeferStreamDirectiveLabel", RuleFunc: deferLabels},
		{Name: "DeferStreamDirectiveOnRootField", RuleFunc: deferOnRoot},
	}
}

func deferLabels(observers *core.Events, report core.AddErrFunc) {
	seen := map[string]*ast.Directive{}
	observers.OnDirective(func(_ *core.Walker, d *ast.Directive) {
		if d.Name != "defer" && d.Name != "stream" {
			return
		}
		label := d.Arguments.ForName("label")
		if label == nil || label.Value.Kind == ast.NullValue {
			return
		}
		if label.Value.Kind == ast.Variable {
			report(core.Message(`Argument "@%s(label:)" must be a static string.`, d.Name), core.At(d.Position))
			return
		}
		if other := seen[label.Value.Raw]; other == nil {
			seen[label.Value.Raw] = d
		} else if other.Position.Line != d.Position.Line || other.Position.Column != d.Position.Column { // a fragment is looked at where it is spread, too
			report(core.Message(`Value for arguments "defer(label:)" and "stream(label:)" must be unique across all Defer/Stream directive usages.`), core.At(d.Position))
		}
	})
}

func deferOnRoot(observers *core.Events, report core.AddErrFunc) {
	observers.OnDirective(func(w *core.Walker, d *ast.Directive) {
		if d.Name != "defer" && d.Name != "stream" || d.ParentDefinition == nil {
			return
		}
		for kind, root := range map[string]*ast.Definition{"mutation": w.Schema.Mutation, "subscription": w.Schema.Subscription} {
			if root != nil && d.ParentDefinition.Name == root.Name {
				report(core.Message(`Directive "@%s" cannot be used on root %s type "%s".`, d.Name, kind, root.Name), core.At(d.Position))
			}
		}
	})
}
