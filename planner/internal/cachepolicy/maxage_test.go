package cachepolicy

import (
	"testing"

	"github.com/weirproxy/weir/planner/internal/gqltest"
)

// Lifetimes of the configuration stand where the schema is silent, and nowhere else.
func TestMaxAgesOfTheConfiguration(t *testing.T) {
	schema := load(t, `
type Book @cacheControl(maxAge: 60) { id: ID! title: String price: Int shelf: Shelf }
type Shelf { id: ID! }
type Pen @cacheControl(scope: PRIVATE) { id: ID! }
type Inherits @cacheControl(inheritMaxAge: true) { id: ID! }
type Query { book: Book shelf: Shelf pen: Pen now: String hinted: Shelf @cacheControl(maxAge: 5) inherits: Inherits }
`)
	maxAges := map[string]int{"Book": 5, "Book.price": 7, "Shelf": 20, "Query.now": 3, "Query.hinted": 99, "Pen": 11, "Inherits": 50}
	for _, c := range []struct {
		document   string
		maxAge     int
		private    bool
		configured bool
		reason     string
	}{
		{"{ book { id } }", 60, false, false, "maxAge 60 by type Book"},
		{"{ book { price } }", 7, false, true, "maxAge 7 by configuration of field Book.price"},
		{"{ book { shelf { id } } }", 20, false, true, "maxAge 20 by configuration of type Shelf"},
		{"{ shelf { id } }", 20, false, true, "maxAge 20 by configuration of type Shelf"},
		{"{ now }", 3, false, true, "maxAge 3 by configuration of field Query.now"},
		{"{ hinted { id } }", 5, false, true, "maxAge 5 by field Query.hinted"},
		{"{ pen { id } }", 11, true, true, "maxAge 11 by configuration of type Pen; private by type Pen at pen"},
		{"{ inherits { id } }", 0, false, false, "maxAge 0 by default: neither field Query.inherits nor its type gives one"},
	} {
		doc := gqltest.Document(t, c.document)
		p := Compute(schema, doc, doc.Operations[0], 0, maxAges, nil)
		if p.MaxAge != c.maxAge || p.Private != c.private || p.Configured != c.configured || p.Reason != c.reason || p.Cacheable != (c.maxAge > 0) {
			t.Errorf("%s: %+v, want %+v", c.document, p, c)
		}
	}
}
