package planner

import (
	"errors"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/weirproxy/weir/planner/internal/fetch"
	"github.com/weirproxy/weir/planner/internal/join"
)

// Supergraph is a loaded supergraph: the schema that clients see and what each subgraph can answer of it. It is immutable and
// safe for concurrent use.
type Supergraph struct {
	model     *join.Supergraph
	schema    *Schema
	subgraphs []Subgraph
	hidden    map[string]bool // directives that introspection does not tell of
}

// Subgraph is a service behind a supergraph.
type Subgraph struct {
	Name string // as it was composed
	URL  string // as the supergraph tells it; may be empty
	Line int    // of the supergraph, where it is named
}

// FetchPlan is how a federated operation is executed: see the documentation of its parts, and package fetch for the semantics that
// bind an executor. It is immutable and shared.
type FetchPlan = fetch.Plan

// The parts of a FetchPlan.
type (
	FetchStep           = fetch.Step
	FetchKind           = fetch.Kind
	FetchLookup         = fetch.Lookup
	FetchTarget         = fetch.Target
	FetchPathStep       = fetch.PathStep
	FetchLayout         = fetch.Layout
	FetchSlot           = fetch.Slot
	FetchOutput         = fetch.Output
	FetchEntry          = fetch.Entry
	FetchType           = fetch.Type
	TypeID              = fetch.TypeID
	FetchIdentity       = fetch.Identity
	TypeSet             = fetch.TypeSet
	Representation      = fetch.Representation
	RepresentationField = fetch.RepresentationField
	Projection          = fetch.Projection
	ProjectionField     = fetch.ProjectionField
	Wrap                = fetch.Wrap
	Leaf                = fetch.Leaf
	EnumSet             = fetch.Enum
	Known               = fetch.Known
	KnownCopy           = fetch.Copy
	FetchPart           = fetch.Part
	FetchParts          = fetch.Parts
)

// The kinds of a FetchStep.
const (
	FetchQuery        = fetch.Query
	FetchMutation     = fetch.Mutation
	FetchSubscription = fetch.Subscription
	FetchEntities     = fetch.Entities
)

// The leaves of a ProjectionField.
const (
	LeafObject   = fetch.LeafObject
	LeafScalar   = fetch.LeafScalar
	LeafInt      = fetch.LeafInt
	LeafFloat    = fetch.LeafFloat
	LeafString   = fetch.LeafString
	LeafBoolean  = fetch.LeafBoolean
	LeafID       = fetch.LeafID
	LeafEnum     = fetch.LeafEnum
	LeafTypename = fetch.LeafTypename
	LeafConstant = fetch.LeafConstant
	LeafDenied   = fetch.LeafDenied
)

// What stands for none.
const (
	NoType       = fetch.NoType
	TypenameSlot = fetch.TypenameSlot
)

// FetchFirst is the part of an answer that is given at once.
const FetchFirst = fetch.First

// ErrNotFederated tells that a plan was made with a schema that does not come from a supergraph.
var ErrNotFederated = errors.New("planner: the schema is not a supergraph's")

// LoadSupergraph reads a supergraph in the schema definition language, composed with the join specification v0.1 to v0.5. name stands
// in error messages, which read name:line:column: message and name the type and field that is wrong. labels are the labels of
// @override(label:) that are on; without its label the other subgraph answers.
func LoadSupergraph(name, sdl string, labels ...string) (*Supergraph, error) {
	doc, err := parser.ParseSchema(&ast.Source{Name: name, Input: sdl})
	if err != nil {
		return nil, located(name, err)
	}
	on := make(map[string]bool, len(labels))
	for _, l := range labels {
		on[l] = true
	}
	model, err := join.Load(name, doc, on)
	if err != nil {
		return nil, err
	}
	s := &Supergraph{model: model, hidden: map[string]bool{}}
	for _, g := range model.Graphs {
		s.subgraphs = append(s.subgraphs, Subgraph(g))
	}
	if s.schema, err = load(name, clientDocument(doc)); err != nil {
		return nil, err
	}
	delete(s.schema.ast.Directives, "stream") // lists are answered whole, and clients are told so
	s.schema.supergraph = s
	return s, nil
}

// HideDefer keeps introspection from telling of @defer, for where everything is answered at once. It must be called before the supergraph is used.
func (s *Supergraph) HideDefer() { s.hidden["defer"] = true }

// Schema returns what clients see: no machinery of composition, and nothing that is inaccessible. Plans made with it (Build, Cache) have
// Fetches.
func (s *Supergraph) Schema() *Schema { return s.schema }

// Guard is a directive that protects a type or a field: @authenticated, @requiresScopes or @policy.
type Guard struct {
	Line        int    // of the supergraph
	Place       string // such as: type User, field email
	Requirement string // the directive
}

// Guards returns what is protected, in the order of the document.
func (s *Supergraph) Guards() (list []Guard) {
	for _, g := range s.model.Guards {
		list = append(list, Guard(g))
	}
	return list
}

// Subgraphs returns the services in the order of their indexes.
func (s *Supergraph) Subgraphs() []Subgraph { return s.subgraphs }
