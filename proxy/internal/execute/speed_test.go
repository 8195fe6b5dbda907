package execute

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/weirproxy/weir/planner"
)

// shopPlan returns the plan of an operation of the shop, and the answer a single service would give.
func shopPlan(tb testing.TB, sg *planner.Supergraph, name string) (plan *planner.FetchPlan, v *planner.Values, want string) {
	tb.Helper()
	text, err := os.ReadFile("../../../planner/testdata/" + name + ".graphql")
	if err != nil {
		tb.Fatal(err)
	}
	_, query, ok := strings.Cut(string(text), "(MIT).\n")
	if !ok {
		query = string(text)
	}
	p := planner.Build(sg.Schema(), query, "", planner.Options{})
	v = new(planner.Values)
	p.Coerce(nil, v)
	if plan, err = p.Fetches(v); err != nil {
		tb.Fatal(err)
	}
	return plan, v, string(answerTo(query, nil))
}

func TestAnswersAreThoseOfASingleService(t *testing.T) {
	for _, name := range []string{"big", "two"} {
		for _, sockets := range []bool{false, true} {
			_, sg, e := shopOf(t, sockets, Config{})
			plan, v, want := shopPlan(t, sg, name)
			if got, stats := e.Execute(t.Context(), &Request{Plan: plan, Values: v}, nil); string(got) != want || stats.Fetches != len(plan.Steps) {
				t.Errorf("%s: %+v\n%s\nwant\n%s", name, stats, got, want)
			}
		}
	}
}

// An execution allocates nothing once the memory of one before it is there.
func TestAllocations(t *testing.T) {
	if underRace {
		t.Skip("pools keep less under the race detector")
	}
	for _, name := range []string{"big", "two"} {
		_, sg, e := shopOf(t, true, Config{})
		plan, v, _ := shopPlan(t, sg, name)
		q := &Request{Plan: plan, Values: v}
		var out []byte
		if n := testing.AllocsPerRun(200, func() { out, _ = e.Execute(t.Context(), q, out[:0]) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// cpu is what the process, which is the subgraphs as well, has used.
func cpu() int64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Utime.Nano() + u.Stime.Nano()
}

func BenchmarkExecute(b *testing.B) {
	for _, name := range []string{"big", "two"} {
		for _, over := range []string{"memory", "sockets"} {
			b.Run(name+"/"+over, func(b *testing.B) {
				_, sg, e := shopOf(b, over == "sockets", Config{})
				plan, v, _ := shopPlan(b, sg, name)
				q := &Request{Plan: plan, Values: v}
				out, _ := e.Execute(b.Context(), q, nil)
				b.ReportAllocs()
				before := cpu()
				for b.Loop() {
					out, _ = e.Execute(b.Context(), q, out[:0])
				}
				b.ReportMetric(float64(cpu()-before)/float64(b.N), "cpu-ns/op")
			})
		}
	}
}
