package cachepolicy

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// Share says who may share an answer; the greater is the narrower.
type Share uint8

// The shares.
const (
	SharePublic Share = iota
	ShareTenant
	ShareRoles
	ShareUser
)

var shareNames = [...]string{"public", "tenant", "roles", "user"}

// String returns the share in lower case.
func (s Share) String() string {
	if int(s) < len(shareNames) {
		return shareNames[s]
	}
	return "unknown"
}

// MarshalText writes the share as String does.
func (s Share) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Shares are what a configuration says of types (Order) and fields (Query.orders).
type Shares map[string]Share

// sharing is who may share the answer of an operation. Hints say PRIVATE or nothing; what a configuration says of types and fields only
// narrows that.
type sharing struct {
	given  Shares
	share  Share
	reason string // of share
	open   string // what is selected and not given; empty: nothing
}

func (s *sharing) narrow(to Share, why string) {
	if to > s.share || s.reason == "" {
		s.share, s.reason = to, why
	}
}

// shared takes in one field on one concrete parent, and the type of what it returns.
func (w *walker) shared(f *ast.Field, parent *ast.Definition, d *ast.FieldDefinition, root bool) {
	s, found := &w.sharing, false
	at := " at " + strings.Join(w.path, ".")
	look := func(name, kind string) bool {
		share, ok := s.given[name]
		if ok {
			s.narrow(share, kind+" "+name+at)
		}
		return ok
	}
	if len(s.given) > 0 {
		found = look(parent.Name+"."+d.Name, "field")
		for _, i := range parent.Interfaces {
			found = look(i+"."+d.Name, "field") || found
		}
	}
	target := w.schema.Types[d.Type.Name()]
	if target == nil || !target.IsCompositeType() {
		if root && !found && s.open == "" {
			s.open = "field " + parent.Name + "." + d.Name + at
		}
		return
	}
	if len(s.given) > 0 {
		found = look(target.Name, "type") || found
	}
	if target.IsAbstractType() {
		found = w.members(f, target, d, look, found)
	}
	if !found && s.open == "" {
		s.open = "type " + target.Name + at
	}
}

// members takes in the object types behind an abstract one. A hint on one of them does not count for how long the answer may be kept, as the
// directive's rules have it, but an answer that may hold a private object is never shared.
func (w *walker) members(f *ast.Field, target *ast.Definition, d *ast.FieldDefinition, look func(name, kind string) bool, found bool) bool {
	all, some, scoped := true, false, hintOf(d.Directives).scoped
	for _, t := range w.possible(target.Name) {
		private := !scoped && hintOf(t.Directives).private
		if !private && len(w.sharing.given) == 0 {
			all = false
			continue
		}
		if !w.asked(f.SelectionSet, t, map[string]bool{}) {
			continue
		}
		some = true
		if private {
			w.sharing.narrow(ShareUser, "type "+t.Name+" at "+strings.Join(w.path, ".")+", which the schema marks PRIVATE")
		}
		all = look(t.Name, "type") && all
	}
	return found || all && some && len(w.sharing.given) > 0
}
