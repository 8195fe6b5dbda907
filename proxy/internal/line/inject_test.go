package line

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/proxy/internal/policy"
	"github.com/weirproxy/weir/telemetry"
)

// An answer that was fetched with fields of ours is written from the entry that it has become. In a full tier that entry may be turned away before, and what
// comes meanwhile must not be written over it.
func TestInjectedAnswerOutlivesItsPlaceInTheCache(t *testing.T) {
	p := testPolicy(t)
	store, err := cache.Open(cache.Config{MaxBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	tel, err := telemetry.New(telemetry.Config{})
	if err != nil {
		t.Fatal(err)
	}
	l := New(Config{Policy: func() *policy.Policy { return p }, Cache: store, Telemetry: tel})
	h, r := requestHead(t, "POST /graphql", jsonLine), responseHead(t, 200, jsonLine)
	answer := func(id int) []byte {
		return []byte(fmt.Sprintf(`{"data":{"book":{"id":"%06d","title":"%s"}}}`, id, strings.Repeat(string(rune('a'+id%26)), 1000)))
	}
	begin := func(x *Exchange, id int) {
		now := noon + int64(id)
		if class, _ := l.Begin(x, h, now); class != Post {
			t.Fatalf("class %d", class)
		}
		body := jsonBody(`query Book($id: ID!) { book(id: $id) { id title } }`, fmt.Sprintf(`{"id":"%06d"}`, id))
		if action, reason := l.Decide(t.Context(), x, h, body, now); action != Relay || reason != ReasonNone || !x.Leads() {
			t.Fatalf("action %d, reason %v, leads %v", action, reason, x.Leads())
		}
		x.Forwarded, x.Fetches = now, 1
	}
	var other Exchange
	miss := func(id int) {
		begin(&other, id)
		l.Finish(t.Context(), &other, r, answer(id), noon+int64(id))
	}
	const full = 3000 // of a KiB each
	for id := range full {
		miss(id)
	}
	var x Exchange
	begin(&x, full)
	if !l.FinishInjected(t.Context(), &x, r, answer(full), noon+full) {
		t.Fatal("not used")
	}
	for id := range 500 {
		miss(full + 1 + id)
	}
	if got := x.Items[0].Entry.Body; !bytes.Equal(got, answer(full)) {
		t.Errorf("the answer has become %.80q", got)
	}
}
