package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/cachepolicy"
)

// Share says who may share an answer; the greater is the narrower.
type Share = cachepolicy.Share

// The shares.
const (
	SharePublic = cachepolicy.SharePublic
	ShareTenant = cachepolicy.ShareTenant
	ShareRoles  = cachepolicy.ShareRoles
	ShareUser   = cachepolicy.ShareUser
)

// ShareProblem is something wrong with a share that is given for a type or a field.
type ShareProblem struct {
	Name    string // as it was given: Order or Query.orders
	Message string
}

// CheckShares finds shares of types and fields that are not in the schema, and those that would share what the schema marks PRIVATE. The
// problems are sorted by name.
func (s *Schema) CheckShares(shares map[string]Share) []ShareProblem {
	var out []ShareProblem
	for name, share := range shares {
		if message := s.checkShare(name, share); message != "" {
			out = append(out, ShareProblem{name, message})
		}
	}
	slices.SortFunc(out, func(a, b ShareProblem) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (s *Schema) checkShare(name string, share Share) string {
	t, f, message := s.kept(name)
	switch {
	case message != "" || share >= ShareUser:
		return message
	case f == nil:
		return s.privateType(t)
	}
	return s.privateField(t, f)
}

// privateType tells what of a type, or of a member of it, is marked PRIVATE.
func (s *Schema) privateType(t *ast.Definition) string {
	if where, yes := privateHint(t.Directives); yes {
		return fmt.Sprintf("would share type %s, which is PRIVATE by the schema (%s); write user, or remove the line", t.Name, where)
	}
	if t.IsAbstractType() {
		for _, member := range s.ast.GetPossibleTypes(t) {
			if where, yes := privateHint(member.Directives); yes {
				return fmt.Sprintf("would share type %s, a member of %s that is PRIVATE by the schema (%s); write user, or remove the line", member.Name, t.Name, where)
			}
		}
	}
	return ""
}

func (s *Schema) privateField(t *ast.Definition, f *ast.FieldDefinition) string {
	d := f.Directives.ForName("cacheControl")
	if where, yes := privateHint(f.Directives); yes {
		return fmt.Sprintf("would share field %s.%s, which is PRIVATE by the schema (%s); write user, or remove the line", t.Name, f.Name, where)
	}
	if d != nil && d.Arguments.ForName("scope") != nil { // PUBLIC, in so many words
		return ""
	}
	if target := s.ast.Types[f.Type.Name()]; target != nil && target.IsCompositeType() {
		return s.privateType(target)
	}
	return ""
}

// privateHint reports whether the first @cacheControl says PRIVATE, and where.
func privateHint(list ast.DirectiveList) (where string, yes bool) {
	d := list.ForName("cacheControl")
	if d == nil {
		return "", false
	}
	a := d.Arguments.ForName("scope")
	if a == nil || a.Value == nil || a.Value.Raw != "PRIVATE" {
		return "", false
	}
	if p := d.Position; p != nil && p.Src != nil {
		where = fmt.Sprintf("%s:%d:%d", p.Src.Name, p.Line, p.Column)
	}
	return where, true
}
