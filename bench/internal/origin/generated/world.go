package generated

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/weirproxy/weir/bench/internal/origin/draw"
	"github.com/weirproxy/weir/bench/internal/origin/hub"
)

const maxList = 1000

// kinds are the types of leaf fields, in SDL.
var kinds = [...]string{"String!", "Int!", "Float!", "Boolean!", "String"}

// World is a generated schema with its data.
type World struct {
	Options

	mu        sync.Mutex
	revisions map[entity]int64
	changes   hub.Hub
}

// entity is one object: a type and an id from 1.
type entity struct {
	kind int
	id   int64
}

// moment is an entity as it is at one revision: what resolvers hand on.
type moment struct {
	entity
	revision int64
}

// New makes a world.
func New(o Options) *World { return &World{Options: o, revisions: map[entity]int64{}} }

// Dropped is how many events were lost to slow subscribers.
func (w *World) Dropped() int64 { return w.changes.Dropped() }

// bits are drawn by what they are for and by entity.
func (w *World) bits(purpose string, kind int, n int64) uint64 {
	return draw.Bits(draw.Stream(w.Seed, purpose+strconv.Itoa(kind)), uint64(n))
}

// Kind is the type of a leaf field, in SDL.
func (w *World) Kind(kind, field int) string {
	return kinds[w.bits("kind", kind, int64(field))%uint64(len(kinds))]
}

// Value is the value of a leaf field: a string, int64, float64, bool, or nil.
func (w *World) Value(kind, field int, id, revision int64) any {
	bits := draw.Bits(w.bits("field "+strconv.Itoa(field)+" of ", kind, id), uint64(revision))
	switch w.Kind(kind, field) {
	case "Int!":
		return int64(int32(bits))
	case "Float!":
		return float64(bits>>40) / 256
	case "Boolean!":
		return bits&1 == 1
	case "String":
		if bits%4 == 0 {
			return nil
		}
	}
	text := make([]byte, 4+bits>>8%29)
	draw.Text(text, bits)
	return string(text)
}

// Target is the type that the relations of a type lead to.
func (w *World) Target(kind int) int { return int(w.bits("target", kind, 0) % uint64(w.Types)) }

// One is the id to which the field "one" leads; false for null. It does not change with the revision.
func (w *World) One(kind int, id int64) (int64, bool) {
	bits := w.bits("one", kind, id)
	return int64(bits>>8%uint64(w.Entities)) + 1, bits%8 != 0
}

// Many are the ids of the list field "many".
func (w *World) Many(kind int, id int64, first int) []int64 {
	base := w.bits("many", kind, id) % uint64(w.Entities)
	out := make([]int64, min(first, w.Entities))
	for i := range out {
		out[i] = int64((base+uint64(i))%uint64(w.Entities)) + 1
	}
	return out
}

// MaxAge is the seconds for which answers about a type may be kept.
func (w *World) MaxAge(kind int) int { return 10 + int(w.bits("age", kind, 0)%290) }

// now is the entity as it is; false when there is none.
func (w *World) now(kind int, id int64) (moment, bool) {
	if id < 1 || id > int64(w.Entities) || kind < 0 || kind >= w.Types {
		return moment{}, false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	e := entity{kind, id}
	return moment{e, w.revisions[e]}, true
}

// bump changes the entity and tells who subscribed to it.
func (w *World) bump(kind int, id int64) (moment, bool) {
	m, ok := w.now(kind, id)
	if !ok {
		return m, false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.revisions[m.entity]++
	m.revision = w.revisions[m.entity]
	w.changes.Publish(topic(kind, id), m)
	w.changes.Publish(topic(kind, 0), m) // to those who want every entity of the type
	return m, true
}

func topic(kind int, id int64) string { return fmt.Sprintf("T%d/%d", kind, id) }

// SDL is the schema.
func (w *World) SDL() string {
	var b strings.Builder
	b.WriteString(directives)
	write := func(format string, a ...any) { fmt.Fprintf(&b, format, a...) }
	b.WriteString("\ntype Query {\n")
	b.WriteString("  entity(type: Int!, id: ID!): Entity\n  padding(bytes: Int!): String! @cacheControl(maxAge: 60)\n")
	for k := range w.Types {
		write("  t%d(id: ID!): T%d\n", k, k)
		write("  t%ds(first: Int! = %d, after: Int! = 0): [T%d!]! @listSize(slicingArguments: [\"first\"]) @cacheControl(maxAge: %d)\n", k, w.ListSize, k, w.MaxAge(k))
	}
	b.WriteString("}\n\ntype Mutation {\n")
	for k := range w.Types {
		write("  bumpT%d(id: ID!): T%d\n", k, k)
	}
	b.WriteString("}\n\ntype Subscription {\n  tick(everyMs: Int!, count: Int): Tick!\n")
	for k := range w.Types {
		write("  t%dChanged(id: ID): T%d!\n", k, k)
	}
	b.WriteString("}\n")
	for k := range w.Types {
		write("\ntype T%d implements Entity @key(fields: \"id\") @cacheControl(maxAge: %d) {\n  id: ID!\n  revision: Int!\n", k, w.MaxAge(k))
		for f := range w.Fields {
			write("  f%d: %s\n", f, w.Kind(k, f))
		}
		write("  one: T%d\n  many(first: Int! = %d): [T%d!]! @listSize(slicingArguments: [\"first\"])\n}\n", w.Target(k), w.ListSize, w.Target(k))
	}
	return b.String()
}

const directives = `directive @cacheControl(maxAge: Int, scope: CacheControlScope, inheritMaxAge: Boolean) on FIELD_DEFINITION | OBJECT | INTERFACE | UNION
directive @cost(weight: String!) on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR
directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION
directive @key(fields: String!) repeatable on OBJECT | INTERFACE

enum CacheControlScope {
  PUBLIC
  PRIVATE
}

"Anything with an id and a number of changes."
interface Entity @cacheControl(maxAge: 10) {
  id: ID!
  revision: Int!
}

type Tick {
  n: Int!
  sentAt: String!
}
`
