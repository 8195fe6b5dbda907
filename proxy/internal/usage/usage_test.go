package usage

import (
	"reflect"
	"strconv"
	"sync"
	"testing"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/telemetry/event"
)

func plans(t *testing.T, documents ...string) (list []*planner.Plan) {
	t.Helper()
	s, err := planner.ParseSchema("s", `type Query { a: A b: Int } type A { x: Int y: Int }`)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range documents {
		list = append(list, planner.Build(s, d, "", planner.Options{}))
	}
	return list
}

func TestFieldsAreCountedByClient(t *testing.T) {
	p := plans(t, `{ a { x } b }`, `{ a { x y } }`, `{ nope }`)
	var table Table
	var work sync.WaitGroup
	for range 8 {
		work.Go(func() {
			for range 100 {
				table.Count("web", p[0])
				table.Count("web", p[1])
				table.Count("app", p[1])
				table.Count("app", p[2]) // not valid: nothing is used
			}
		})
	}
	work.Wait()
	want := []Client{
		{"app", 800, []event.FieldUsage{{Type: "A", Field: "x", Count: 800}, {Type: "A", Field: "y", Count: 800}, {Type: "Query", Field: "a", Count: 800}}},
		{"web", 1600, []event.FieldUsage{
			{Type: "A", Field: "x", Count: 1600}, {Type: "A", Field: "y", Count: 800}, {Type: "Query", Field: "a", Count: 1600}, {Type: "Query", Field: "b", Count: 800},
		}},
	}
	if got := table.Take(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	if got := table.Take(); len(got) != 0 {
		t.Errorf("again %+v", got)
	}
	for range 1000 { // both maps of each shard have it
		table.Count("web", p[0])
	}
	table.Take()
	for range 1000 {
		table.Count("web", p[0])
	}
	if n := testing.AllocsPerRun(100, func() { table.Count("web", p[0]) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestTwoTakesOfAClientAreJoined(t *testing.T) {
	p := plans(t, `{ a { y } }`, `{ b a { x } }`)
	var table Table
	table.Count("web", p[0])
	first := table.Take()[0]
	table.Count("web", p[0])
	table.Count("web", p[1])
	later := table.Take()[0]
	table.Count("web", p[0])
	table.Count("web", p[0])
	table.Count("web", p[1])
	if first.Join(&later); !reflect.DeepEqual(first, table.Take()[0]) {
		t.Errorf("%+v", first)
	}
}

func TestMoreThanThereIsRoomForIsCounted(t *testing.T) {
	p := plans(t, `{ b }`)[0]
	var table Table
	const n = 3 * shards * shardKeys
	for i := range n {
		table.Count(strconv.Itoa(i), p)
	}
	counted, overflow := table.Stats()
	if got := uint64(len(table.Take())); counted+overflow != n || overflow == 0 || got != counted || counted > shards*shardKeys {
		t.Errorf("%d counted, %d without room, %d taken of %d", counted, overflow, got, n)
	}
}

func BenchmarkCount(b *testing.B) {
	s, _ := planner.ParseSchema("s", `type Query { b: Int }`)
	p := planner.Build(s, `{ b }`, "", planner.Options{})
	var table Table
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			table.Count("web", p)
		}
	})
}
