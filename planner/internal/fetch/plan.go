package fetch

import (
	"crypto/sha256"
	"strconv"
	"sync"
	"sync/atomic"
)

// Kind says what a step asks of its subgraph.
type Kind uint8

// The kinds of steps.
const (
	Query Kind = iota
	Mutation
	Subscription // each event is an answer; the steps after it are run for each, on a tree of its own
	Entities
)

// String returns the name of the kind in lower case.
func (k Kind) String() string {
	return [...]string{"query", "mutation", "subscription", "entities"}[k]
}

// MarshalText writes the kind as String does.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Plan is the plan of one operation. All slices belong to it. Indexes lead from one of its slices into another; -1 stands for none.
type Plan struct {
	Operation       string           `json:"operation,omitempty"`
	Conditions      []Condition      `json:"conditions,omitempty"` // what the plan was made for, in the order of names
	Subgraphs       []string         `json:"subgraphs"`            // all of the supergraph, by name
	Steps           []Step           `json:"steps"`                // each behind all it waits for
	Types           []Type           `json:"types"`                // by TypeID
	Layouts         []Layout         `json:"layouts"`              // 0 is the root object's
	Outputs         []Output         `json:"outputs"`
	Representations []Representation `json:"representations,omitempty"`
	Projections     []Projection     `json:"projections"` // 0 is the root object's
	Search          Search           `json:"search"`
	// Requirements are what a caller must have for the whole of it, each as the directive it comes from.
	Requirements []string `json:"requirements,omitempty"`
	// Denied are the paths of the fields that the caller may not have, with @ for the elements of a list: each is an error, and no step asks for it.
	Denied [][]string `json:"denied,omitempty"`
	// Parts are what is delivered one after another, each behind its parent; Parts[0] is what is answered at once. nil: nothing is deferred.
	Parts []Part `json:"parts,omitempty"`
	// DeniedIn are, for each of Denied, the parts that have the field.
	DeniedIn []Parts `json:"-"`

	told      atomic.Bool // that the search ran out
	typeIDs   map[string]TypeID
	knownOnce sync.Once
	known     [][][]Known
}

// Condition is the value of a variable that decides @skip or @include.
type Condition struct {
	Variable string `json:"variable"`
	Value    bool   `json:"value"`
}

// Search tells how the plan was found.
type Search struct {
	Work int `json:"work"` // units: moves looked at
	Cost int `json:"cost"` // of the plan; lower is better
	// Exhausted: the budget of work ran out, so that a better plan may exist.
	Exhausted bool `json:"exhausted,omitempty"`
}

// TellExhausted reports, once, that the search ran out of work.
func (p *Plan) TellExhausted() bool { return p.Search.Exhausted && !p.told.Swap(true) }

// Step is one request to one subgraph.
type Step struct {
	ID       int  `json:"id"` // index in Plan.Steps
	Kind     Kind `json:"kind"`
	Subgraph int  `json:"subgraph"` // index in Plan.Subgraphs and Supergraph.Subgraphs

	After []int `json:"after,omitempty"` // steps to be finished before, ascending
	Next  []int `json:"next,omitempty"`  // steps that wait for this one, ascending
	For   Parts `json:"for,omitempty"`   // the parts that wait for it, or the first part alone; none when nothing is deferred

	Query     string   `json:"query"` // the document, for people; it lies in Prefix as a JSON string
	Prefix    []byte   `json:"-"`
	Suffix    []byte   `json:"-"`
	Variables []string `json:"variables,omitempty"` // of the client's, that the document uses
	// Identity stands for the subgraph and the document: steps with the same one ask the same. Lookups have their own.
	Identity Identity `json:"-"`

	Output  int      `json:"output"` // for the answer's data, merged into the root object; -1 for Entities
	Lookups []Lookup `json:"lookups,omitempty"`
}

// Lookup is one _entities field of a step.
type Lookup struct {
	Alias    string   `json:"alias"`    // key in data: _entities, or _e0, _e1, …
	Variable string   `json:"variable"` // name of the variable for the representations
	Targets  []Target `json:"targets"`
	// Identity stands for the subgraph and what is asked of each entity, whatever else the step asks.
	Identity Identity `json:"-"`
}

// Identity is a digest of what is asked.
type Identity [sha256.Size]byte

// Identify makes the digest of what a document, or a selection of one, asks of a subgraph.
func Identify(subgraph, text string) Identity {
	return sha256.Sum256([]byte(strconv.Itoa(len(subgraph)) + ":" + subgraph + text))
}

// Target is a place with objects to ask for.
type Target struct {
	Path           []PathStep `json:"path"`
	Representation int        `json:"representation"`
	Output         int        `json:"output"` // of the entity into the object
}

// PathStep leads from an object into one of its slots.
type PathStep struct {
	Slot  int     `json:"slot"`
	Name  string  `json:"name"`            // of the slot
	Types TypeSet `json:"types,omitempty"` // of the objects to keep; nil: all, unknown ones too
}

// Layout numbers what objects at one or more places of the answer may hold.
type Layout struct {
	ID int `json:"id"`
	// Type is the only type that objects here may have; NoType when an answer has to tell.
	Type  TypeID `json:"type"`
	Slots []Slot `json:"slots"`
}

// Slot is a place for one value in an object.
type Slot struct {
	Name   string `json:"name"`   // the client's response key, or a name of the planner's
	Client bool   `json:"client"` // the client asked for it; otherwise the plan needs it
	Layout int    `json:"layout"` // of the objects in it; -1: leaf
	// Field is the field with its arguments in canonical form, such as price or delivery(zip:"1"); where types differ, of one of them.
	Field string `json:"field"`
}

// TypenameSlot stands in an Entry for the type of the object.
const TypenameSlot = -1

// Output says which keys of a JSON object go where in an object of a layout.
type Output struct {
	Layout  int     `json:"layout"`
	Entries []Entry `json:"entries"` // in the order in which the document asks for them
}

// Entry is one key of an Output.
type Entry struct {
	Key    string `json:"key"`    // in the subgraph's answer
	Slot   int    `json:"slot"`   // or TypenameSlot
	Output int    `json:"output"` // for objects; -1: leaf
}

// Representation says how to write an object as a representation of an entity, or as a part of one.
type Representation struct {
	// Typename is written as the member __typename if not empty; OwnTypename: the name of the object's own type is. The latter
	// makes an object of unknown type unfit, as an absent field does.
	Typename    string                `json:"typename,omitempty"`
	OwnTypename bool                  `json:"ownTypename,omitempty"`
	Fields      []RepresentationField `json:"fields"`
}

// RepresentationField is one member. Its value is the slot's: a leaf as it is, an object (or the objects of lists, which keep their
// form) by Representation. Fields of one name have no types in common.
type RepresentationField struct {
	Name string `json:"name"`
	// Prefix is `"name":`.
	Prefix         []byte  `json:"-"`
	Slot           int     `json:"slot"`
	Types          TypeSet `json:"types,omitempty"` // the field belongs to objects of these types only, and one of unknown type is unfit; nil: to all
	NonNull        bool    `json:"nonNull,omitempty"`
	Representation int     `json:"representation"` // -1: leaf
}

// TypeOf returns the type with a name, NoType when the plan does not know it.
func (p *Plan) TypeOf(name []byte) TypeID {
	if id, ok := p.typeIDs[string(name)]; ok {
		return id
	}
	return NoType
}
