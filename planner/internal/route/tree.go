package route

import "github.com/weirproxy/weir/planner/internal/join"

// Scope is a name space of response keys: what becomes one object of the answer, whatever nodes of whatever types lead there.
type Scope struct {
	Slots []*Slot
	byKey map[string]*Slot
	// Places that lie in the scope.
	Places []*Place
}

// Slot is a response key in a scope.
type Slot struct {
	Name   string // under which subgraphs answer
	Key    string // under which the client has it
	Client bool
	Scope  *Scope // of the objects in it; nil of leaves
	Nodes  []*Node
}

func newScope() *Scope { return &Scope{byKey: map[string]*Slot{}} }

// Place is where objects stand.
type Place struct {
	Parent   *Place
	Via      *Node // that leads here; nil of the root
	Declared *join.Type
	Possible join.Set // object types that can stand here
	Scope    *Scope
	Nodes    []*Node
	Sources  []*Source
	// Typed: the type of its objects has to be known; TypeSource tells it.
	Typed      bool
	TypeSource *Source
	// graphs are those that may be asked for what stands here; blur is the interface that all have it as that are asked for the parent, if
	// they have it as an interface object.
	graphs join.Set
	blur   *join.Type
	// Serial is the position of the root field of a mutation it lies below.
	Serial int
}

// Forks tells that the key that leads to a place leads elsewhere from objects of other types.
func (p *Place) Forks() bool {
	return p.Parent != nil && p.Parent.Declared.Abstract() && len(p.Via.Slot.Nodes) > 1
}

// Node is a field wanted at a place for some types.
type Node struct {
	Place     *Place
	Slot      *Slot
	Name      string
	Arguments string
	Variables []string
	Types     join.Set
	Child     *Place  // nil of leaves
	For       Members // the parts that the client wants it for, as Earliest has them; none: the plan needs it
	// picked are the places where the node is fetched.
	picked []pickedAt
}

type pickedAt struct {
	source *Source
	types  join.Set
}

// Source is where a group passes through a place.
type Source struct {
	Group    *Group
	Place    *Place
	View     *join.Type // the type of the place as the graph has it; nil where entities are entered
	Blurred  bool       // the graph has it as an interface object, and cannot tell the types
	Provides join.Selection
	Picks    []*Pick
	Typename bool // __typename is asked for
	entity   bool
}

// Pick is a node fetched by a source, for some of its types.
type Pick struct {
	Node  *Node
	Types join.Set
	Child *Source
}

// Group is a part of a request to one subgraph.
type Group struct {
	ID      int
	Graph   join.Graph
	Entity  bool
	Source  *Source // the first
	Entries []*Entry
	Deps    []*Group
	Serial  int // of a root group of a mutation: the position of its first field
	// For are the parts that wait for it, nothing else: a group that the first part waits for has that one alone.
	For Members
}

// Entry is how objects of some types are named in representations.
type Entry struct {
	View *join.Type // the name in the representation
	// Types are the objects asked for; nil: all there are, without a look at their type.
	Types  join.Set
	Inputs []Input
}

// Input is a part of a representation.
type Input struct {
	Fields join.Selection
	Key    bool
	Held   []Held // where the fields are found
}

// Held is a node that holds a field of a representation, of objects of some types: one that is fetched before. There may be others of the field that
// are not, or not of these types.
type Held struct {
	Node  *Node
	Types join.Set
	Sub   []Held // what is in its objects
}

// find returns the nodes that hold a field for all of the types, nil when there is none.
func (p *Place) find(name, arguments string, types join.Set) *Node {
	for _, n := range p.Nodes {
		if n.Name == name && n.Arguments == arguments && types.Within(n.Types) {
			return n
		}
	}
	return nil
}

// only returns the first slot that stands for a field and no other.
func (s *Scope) only(name, arguments string) *Slot {
	for _, slot := range s.Slots {
		if len(slot.Nodes) > 0 && s.free(slot.Name, name, arguments) {
			return slot
		}
	}
	return nil
}

// free tells that a key may stand for a field beside what it stands for already.
func (s *Scope) free(key, name, arguments string) bool {
	slot := s.byKey[key]
	if slot == nil {
		return true
	}
	for _, n := range slot.Nodes {
		if n.Name != name || n.Arguments != arguments {
			return false
		}
	}
	return true
}

func (s *Scope) slot(key string, client, composite bool) *Slot {
	slot := s.byKey[key]
	if slot == nil {
		slot = &Slot{Name: key, Key: key}
		s.byKey[key] = slot
		s.Slots = append(s.Slots, slot)
	}
	slot.Client = slot.Client || client
	if composite && slot.Scope == nil {
		slot.Scope = newScope()
	}
	return slot
}
