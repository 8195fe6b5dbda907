package cachepolicy

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/document"
)

// maxWork bounds the fields looked at, each counted once for each concrete type it may stand on. What needs more is not
// cacheable.
const maxWork = 200_000

const tooLarge = "the operation is too large to analyse"

// walker looks at every field that may be resolved and keeps the minimum.
type walker struct {
	schema    *ast.Schema
	fragments map[string]*ast.FragmentDefinition
	fallback  int            // default maxAge
	maxAges   map[string]int // of types and fields, by configuration
	types     map[string][]*ast.Definition
	sets      map[string]int                 // numbers of sets of concrete types
	visited   map[visit]struct{}             // fragments already looked at on a set of types
	fields    map[place]*ast.FieldDefinition // fields whose hints are taken in already
	path      []string
	work      int

	set     bool // some field set maxAge
	policy  Policy
	sharing sharing
	private string // who says so
	stopped string // why there is no policy
}

type place struct {
	parent *ast.Definition
	field  string
	root   bool
}

type visit struct {
	fragment string
	types    int
	root     bool
}

func newWalker(schema *ast.Schema, doc *ast.QueryDocument, defaultMaxAge int) *walker {
	return &walker{
		schema: schema, fallback: max(defaultMaxAge, 0), fragments: document.Fragments(doc.Fragments),
		types: map[string][]*ast.Definition{}, sets: map[string]int{}, visited: map[visit]struct{}{},
		fields: map[place]*ast.FieldDefinition{},
	}
}

func (w *walker) operation(op *ast.OperationDefinition) Policy {
	root := w.schema.Query
	if root == nil {
		return Policy{Reason: "the schema has no query type"}
	}
	w.selections(op.SelectionSet, []*ast.Definition{root}, true)
	p := w.policy
	p.Share, p.ShareReason, p.Open = w.sharing.share, w.sharing.reason, w.sharing.open
	p.Given = p.ShareReason != "" && len(w.sharing.given) > 0 && p.Open == "" && w.stopped == ""
	switch {
	case w.stopped != "":
		p.Reason, p.MaxAge = w.stopped, 0
	case !w.set:
		p.Reason, p.Path = "no field says how long it may be cached", ""
	case p.MaxAge > 0:
		p.Cacheable = true
	}
	if p.Private {
		p.Reason += "; private by " + w.private
	}
	return p
}

// selections looks at a selection set on any of the concrete types.
func (w *walker) selections(set ast.SelectionSet, on []*ast.Definition, root bool) {
	for _, sel := range set {
		if w.stopped != "" {
			return
		}
		switch s := sel.(type) {
		case *ast.Field:
			w.field(s, on, root)
		case *ast.InlineFragment:
			if w.included(s.Directives) {
				w.selections(s.SelectionSet, w.narrow(on, s.TypeCondition), root)
			}
		case *ast.FragmentSpread:
			f := w.fragments[s.Name]
			if f == nil || !w.included(s.Directives) {
				continue
			}
			narrowed := w.narrow(on, f.TypeCondition)
			at := visit{s.Name, w.number(narrowed), root}
			if _, before := w.visited[at]; !before {
				w.visited[at] = struct{}{}
				w.selections(f.SelectionSet, narrowed, root)
			}
		}
	}
}

// included tells whether a selection can be resolved at all, and notes what makes a response incremental.
func (w *walker) included(list ast.DirectiveList) bool {
	for _, d := range list {
		var condition *ast.Value
		if a := d.Arguments.ForName("if"); a != nil && a.Value != nil && a.Value.Kind == ast.BooleanValue {
			condition = a.Value
		}
		switch d.Name {
		case "skip":
			if condition != nil && condition.Raw == "true" {
				return false
			}
		case "include":
			if condition != nil && condition.Raw == "false" {
				return false
			}
		case "defer", "stream":
			if condition == nil || condition.Raw == "true" {
				w.stop("@" + d.Name + " makes the response incremental")
			}
		}
	}
	return true
}

func (w *walker) stop(reason string) {
	if w.stopped == "" {
		w.stopped = reason
		w.policy.Path = strings.Join(w.path, ".")
	}
}

// field looks at one field on each of the concrete types, and at what lies behind it.
func (w *walker) field(f *ast.Field, on []*ast.Definition, root bool) {
	if strings.HasPrefix(f.Name, "__") {
		if f.Name != "__typename" && w.sharing.open == "" { // some servers show it to some clients only
			w.sharing.open = "introspection"
		}
		return // introspection carries no hints, and nothing below it does
	}
	w.path = append(w.path, document.ResponseName(f))
	defer func() { w.path = w.path[:len(w.path)-1] }()
	if !w.included(f.Directives) || w.stopped != "" {
		return
	}
	var behind []*ast.Definition
	last := ""
	for _, parent := range on {
		if w.work++; w.work > maxWork {
			w.stop(tooLarge)
			break
		}
		d := w.definition(place{parent, f.Name, root})
		if d == nil {
			w.stop("field " + parent.Name + "." + f.Name + " is not in the schema")
			break
		}
		w.shared(f, parent, d, root)
		if name := d.Type.Name(); len(f.SelectionSet) > 0 && name != last {
			behind = append(behind, w.possible(name)...)
			last = name
		}
	}
	if len(f.SelectionSet) > 0 && w.stopped == "" {
		behind = distinct(behind)
		if root && f.Name == document.EntitiesField {
			w.entities(f.SelectionSet, behind)
		}
		w.selections(f.SelectionSet, behind, false)
	}
}
