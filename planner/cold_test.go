package planner

import (
	"os"
	"testing"

	"github.com/weirproxy/weir/planner/internal/gqltest"
)

// BenchmarkCold is what the first request with a document costs: from its text to the plan of its fetches.
func BenchmarkCold(b *testing.B) {
	s := loadSupergraph(b, "testdata/shop.graphql")
	for _, name := range []string{"big", "two"} {
		b.Run(name, func(b *testing.B) {
			document, err := os.ReadFile("testdata/" + name + ".graphql")
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			spent := gqltest.CPUTime(b, func() {
				for b.Loop() {
					fetchPlan(b, s, string(document), "")
				}
			})
			b.ReportMetric(float64(spent)/float64(b.N), "cpu-ns/op")
		})
	}
}
