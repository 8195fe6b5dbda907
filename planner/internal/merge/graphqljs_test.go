package merge

import (
	"math/rand/v2"
	"testing"

	"github.com/weirproxy/weir/planner/internal/gqltest"
	"github.com/weirproxy/weir/planner/internal/jsoracle"
)

// TestAgainstGraphQLJS compares acceptance with graphql-js over generated documents, many of them invalid in other ways
// (unknown fields, impossible conditions, cyclic fragments): this rule must agree nonetheless.
func TestAgainstGraphQLJS(t *testing.T) {
	schema := pets(t)
	r := rand.New(rand.NewPCG(20250901, 7))
	var documents []string
	for i := range 6000 {
		g := &generator{r: r, schema: schema, fragments: r.IntN(5), cyclic: i%8 == 0}
		documents = append(documents, g.document())
	}
	for _, c := range ruleCases {
		documents = append(documents, c.document)
	}
	answers := jsoracle.Run[string, []string](t, "merge", map[string]string{"sdl": petsSDL}, documents)
	accepted, bad := 0, 0
	for i, d := range documents {
		errs, exhausted := Check(schema, gqltest.Document(t, d), 0)
		if exhausted {
			t.Fatalf("budget exhausted by %s", d)
		}
		if len(errs) == 0 {
			accepted++
		}
		if (len(answers[i]) == 0) != (len(errs) == 0) {
			if bad++; bad <= 10 {
				t.Errorf("%s\n ours   %v\n theirs %v", d, errs, answers[i])
			}
		}
	}
	t.Logf("%d documents, %d accepted, %d differences", len(documents), accepted, bad)
	if accepted < len(documents)/5 || accepted > len(documents)*4/5 {
		t.Errorf("%d of %d documents accepted: the generator tests one side only", accepted, len(documents))
	}
}
