package line

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// busy is a line whose tier is full of answers of a KiB that came once.
type busy struct {
	*Line
	t    *testing.T
	h    *wire.RequestHead
	r    *wire.ResponseHead
	next int
	x    Exchange
}

func newBusy(t *testing.T) *busy {
	p := testPolicy(t)
	b := &busy{
		Line: newLineOver(t, &p, cache.Config{MaxBytes: 1 << 20}), t: t,
		h: requestHead(t, "POST /graphql", jsonLine), r: responseHead(t, 200, jsonLine),
	}
	b.misses(3000)
	return b
}

// begin begins a request for a key that was not asked for before, and returns the answer to it.
func (b *busy) begin(x *Exchange) (answer []byte, now int64) {
	b.next++
	now = noon + int64(b.next)
	if class, _ := b.Begin(x, b.h, now); class != Post {
		b.t.Fatalf("class %d", class)
	}
	body := jsonBody(`query Book($id: ID!) { book(id: $id) { id title } }`, fmt.Sprintf(`{"id":"%06d"}`, b.next))
	if action, reason := b.Decide(b.t.Context(), x, b.h, body, now); action != Relay || reason != ReasonNone || !x.Leads() {
		b.t.Fatalf("action %d, reason %v, leads %v", action, reason, x.Leads())
	}
	x.Forwarded, x.Fetches = now, 1
	letter := string(rune('a' + b.next%26))
	return []byte(fmt.Sprintf(`{"data":{"book":{"id":"%06d","title":"%s"}}}`, b.next, strings.Repeat(letter, 1000))), now
}

func (b *busy) misses(n int) {
	for range n {
		answer, now := b.begin(&b.x)
		b.Finish(b.t.Context(), &b.x, b.r, answer, now)
	}
}

// An answer that was fetched with fields of ours is written from the entry that it has become. In a full tier that entry may be turned away before, and what
// comes meanwhile must not be written over it.
func TestInjectedAnswerOutlivesItsPlaceInTheCache(t *testing.T) {
	b := newBusy(t)
	var x Exchange
	answer, now := b.begin(&x)
	if !b.FinishInjected(t.Context(), &x, b.r, answer, now) {
		t.Fatal("not used")
	}
	b.misses(500)
	if got := x.Items[0].Entry.Body; !bytes.Equal(got, answer) {
		t.Errorf("the answer has become %.80q", got)
	}
}
