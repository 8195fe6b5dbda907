package planner

import (
	"fmt"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/cost"
)

// checkHints refuses values of our own directives that could only be mistakes; the parser does not look at them.
func checkHints(doc *ast.SchemaDocument) (err error) {
	everyDirective(doc, func(d *ast.Directive, _ ast.DirectiveLocation) {
		for _, a := range d.Arguments {
			if problem := checkHint(d.Name, a); problem != "" && err == nil {
				err = fmt.Errorf("%s:%d:%d: @%s(%s:) %s", a.Position.Src.Name, a.Position.Line, a.Position.Column, d.Name, a.Name, problem)
			}
		}
	})
	return err
}

func checkHint(directive string, a *ast.Argument) string {
	if a.Value == nil || a.Value.Kind == ast.NullValue {
		return ""
	}
	switch directive + "." + a.Name {
	case "cacheControl.maxAge", "listSize.assumedSize":
		if n, err := strconv.ParseInt(a.Value.Raw, 10, 32); a.Value.Kind != ast.IntValue || err != nil || n < 0 {
			return "must be a whole number, not negative"
		}
	case "cacheControl.scope":
		if a.Value.Kind != ast.EnumValue || a.Value.Raw != "PUBLIC" && a.Value.Raw != "PRIVATE" {
			return "must be PUBLIC or PRIVATE"
		}
	case "cacheControl.inheritMaxAge", "listSize.requireOneSlicingArgument":
		if a.Value.Kind != ast.BooleanValue {
			return "must be true or false"
		}
	case "cost.weight":
		if _, ok := cost.Weight(a.Value); !ok {
			return "must be a number, as in \"2.5\""
		}
	case "cacheTag.format":
		if a.Value.Kind != ast.StringValue && a.Value.Kind != ast.BlockValue || a.Value.Raw == "" {
			return "must be a text"
		}
	case "listSize.slicingArguments", "listSize.sizedFields":
		if a.Value.Kind == ast.StringValue {
			return ""
		}
		if a.Value.Kind != ast.ListValue {
			return "must be a list of names"
		}
		for _, x := range a.Value.Children {
			if x.Value.Kind != ast.StringValue {
				return "must be a list of names"
			}
		}
	}
	return ""
}
