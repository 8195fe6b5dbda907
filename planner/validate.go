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
	}, plainRules()...)
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

// validate applies the rules of the specification; without a schema those that need none.
func (b *builder) validate() []Error {
	if b.schema == nil {
		empty := &ast.Schema{Types: map[string]*ast.Definition{}, Directives: map[string]*ast.DirectiveDefinition{}}
		return walkRules(empty, b.doc, plainRules(), b.o.MaxErrors)
	}
	errs := walkRules(b.schema.ast, b.doc, b.schema.rules, b.o.MaxErrors)
	if len(errs) >= b.o.MaxErrors {
		return errs
	}
	conflicts, unfinished := merge.Check(b.schema.ast, b.doc, 0)
	if unfinished && len(conflicts) == 0 {
		conflicts = []Error{{Message: "The document has too many fields of the same name to check that they can be merged.", Code: gqlerr.CodeValidate}}
	}
	return append(errs, conflicts[:min(len(conflicts), b.o.MaxErrors-len(errs))]...)
}

// maxVisits bounds the selections that validation looks at. Fragments that spread each other are looked at more than once, which is why
// a limit on tokens alone does not bound the work.
const maxVisits = 500_000

// exhausted ends a walk from inside.
type exhausted struct{}

// walkRules applies rules to a document and returns at most limit errors.
func walkRules(schema *ast.Schema, doc *ast.QueryDocument, list []core.Rule, limit int) (errs []Error) {
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
			if visits > maxVisits {
				errs = append(errs[:min(len(errs), limit-1)], Error{Message: "The document's fragments spread each other too often to be checked.", Code: gqlerr.CodeValidate})
			}
		default:
			panic(r)
		}
	}()
	core.Walk(schema, doc, observers)
	return errs
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
