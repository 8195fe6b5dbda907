package planner

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/weirproxy/weir/planner/internal/gqlerr"
	"github.com/weirproxy/weir/planner/internal/merge"
)

// schemaRules lists the rules of the specification, in a fixed order. The rule on merging fields is not among them: internal/merge has
// one with bounded work, and two others are stricter here. None suggests names: a schema need not tell itself to those who guess.
func schemaRules() []core.Rule {
	return append([]core.Rule{
		rules.FieldsOnCorrectTypeRuleWithoutSuggestions,
		rules.FragmentsOnCompositeTypesRule,
		rules.KnownArgumentNamesRuleWithoutSuggestions,
		rules.KnownDirectivesRule,
		rules.KnownRootTypeRule,
		rules.KnownTypeNamesRuleWithoutSuggestions,
		rules.MaxIntrospectionDepth,
		rules.PossibleFragmentSpreadsRule,
		rules.ProvidedRequiredArgumentsRule,
		rules.ScalarLeafsRuleWithoutSuggestions,
		rules.UniqueDirectivesPerLocationRule,
		rules.VariablesAreInputTypesRule,
		rules.VariablesInAllowedPositionRule,
		{Name: "SingleFieldSubscriptions", RuleFunc: singleField},
		{Name: "ValuesOfCorrectType", RuleFunc: literals},
	}, append(deferRules(), plainRules()...)...)
}

// plainRules lists the rules that need no schema.
func plainRules() []core.Rule {
	return []core.Rule{
		rules.KnownFragmentNamesRule,
		rules.LoneAnonymousOperationRule,
		rules.NoFragmentCyclesRule,
		rules.NoUndefinedVariablesRule,
		rules.NoUnusedFragmentsRule,
		rules.NoUnusedVariablesRule,
		rules.UniqueArgumentNamesRule,
		rules.UniqueFragmentNamesRule,
		rules.UniqueInputFieldNamesRule,
		rules.UniqueOperationNamesRule,
		rules.UniqueVariableNamesRule,
	}
}

// validate applies the rules of the specification; without a schema those that need none. tooLarge: the check was given up,
// and the lack of errors means nothing.
func (b *builder) validate() (errs []Error, tooLarge bool) {
	if b.schema == nil {
		empty := &ast.Schema{Types: map[string]*ast.Definition{}, Directives: map[string]*ast.DirectiveDefinition{}}
		return walkRules(empty, b.doc, plainRules(), b.o.MaxErrors)
	}
	errs, tooLarge = walkRules(b.schema.ast, b.doc, b.schema.rules, b.o.MaxErrors)
	if len(errs) >= b.o.MaxErrors || tooLarge {
		return errs, tooLarge
	}
	conflicts, tooLarge := merge.Check(b.schema.ast, b.doc, 0)
	return append(errs, conflicts[:min(len(conflicts), b.o.MaxErrors-len(errs))]...), tooLarge
}

// maxVisits bounds the selections that validation looks at. It looks at a fragment once for each operation that reaches it, which is why a
// limit on tokens alone does not bound the work.
const maxVisits = 500_000

// exhausted ends a walk from inside.
type exhausted struct{}

// walkRules applies rules to a document and returns at most limit errors; tooLarge: it gave up because there is
// too much to look at.
func walkRules(schema *ast.Schema, doc *ast.QueryDocument, list []core.Rule, limit int) (errs []Error, tooLarge bool) {
	observers := &core.Events{}
	for _, rule := range list {
		rule.RuleFunc(observers, func(options ...core.ErrorOption) {
			if len(errs) >= limit {
				return
			}
			var e gqlerror.Error
			for _, o := range options {
				o(&e)
			}
			if found := invalid(&e); !repeated(errs, &found) {
				errs = append(errs, found)
			}
		})
	}
	visits := 0
	count := func() {
		if visits++; visits > maxVisits || len(errs) >= limit {
			panic(exhausted{})
		}
	}
	observers.OnField(func(*core.Walker, *ast.Field) { count() })
	observers.OnFragmentSpread(func(*core.Walker, *ast.FragmentSpread) { count() })
	observers.OnInlineFragment(func(*core.Walker, *ast.InlineFragment) { count() })
	defer func() {
		switch r := recover(); r.(type) {
		case nil:
		case exhausted:
			tooLarge = visits > maxVisits
		default:
			panic(r)
		}
	}()
	walkOnce(schema, doc, observers)
	return errs, false
}

// walkOnce walks a document's operations with all they reach, and then each fragment by itself. The walker would go from each fragment
// into all that it reaches, which for a chain of fragments is quadratic in its length and finds nothing new: so before it comes to the
// fragments it gets copies to start from, and the fragments that spreads lead to are empty until it is done.
func walkOnce(schema *ast.Schema, doc *ast.QueryDocument, observers *core.Events) {
	walked := *doc
	sets := make([]ast.SelectionSet, len(doc.Fragments))
	copies := make(ast.FragmentDefinitionList, len(doc.Fragments))
	for i, f := range doc.Fragments {
		sets[i] = f.SelectionSet
		own := *f
		copies[i] = &own
	}
	defer func() {
		for i, f := range doc.Fragments {
			f.Definition, f.SelectionSet = copies[i].Definition, sets[i]
		}
	}()
	left := len(doc.Operations)
	observers.OnOperation(func(*core.Walker, *ast.OperationDefinition) {
		if left--; left > 0 {
			return
		}
		walked.Fragments = copies
		for _, f := range doc.Fragments {
			f.SelectionSet = nil
		}
	})
	core.Walk(schema, &walked, observers)
}

// repeated tells that an error is known already: a fragment is looked at where it is spread and on its own.
func repeated(errs []Error, e *Error) bool {
	for i := range errs {
		if errs[i].Message == e.Message && slices.Equal(errs[i].Locations, e.Locations) {
			return true
		}
	}
	return false
}

func invalid(e *gqlerror.Error) Error {
	return Error{Message: e.Message, Code: gqlerr.CodeValidate, Locations: locations(e)}
}

func locations(e *gqlerror.Error) []Location {
	out := make([]Location, 0, len(e.Locations))
	for _, l := range e.Locations {
		out = append(out, Location{Line: l.Line, Column: l.Column})
	}
	return out
}
