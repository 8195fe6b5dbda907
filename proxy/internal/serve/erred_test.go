package serve

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirproxy/weir/cache"
)

// GraphQL errors in an answer with status 200 bring the stale answer to its place when policy counts all of them as failures, and are relayed
// otherwise.
func TestStaleAnswersForGraphQLErrors(t *testing.T) {
	const (
		failed    = `{"data":null,"errors":[{"message":"x","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}`
		partial   = `{"data":{"book":null},"errors":[{"message":"x","extensions":{"code":"DOWN"}},{"message":"y","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}`
		forbidden = `{"data":{"book":null},"errors":[{"message":"x","extensions":{"code":"DOWN"}},{"message":"y","extensions":{"code":"FORBIDDEN"}}]}`
		bare      = `{"data":null,"errors":[{"message":"x"}]}`
		odd       = `{"data":null,"errors":[{"message":"x","extensions":{"code":7}}]}`
	)
	codes := []string{"INTERNAL_SERVER_ERROR", "DOWN"}
	for _, c := range []struct {
		name   string
		codes  []string
		answer string
		status int
		stale  bool
	}{
		{"none count", nil, failed, 200, false},
		{"its code counts", codes, failed, 200, true},
		{"all of its codes count", codes, partial, 200, true},
		{"one of its codes does not", codes, forbidden, 200, false},
		{"it has no code", codes, bare, 200, false},
		{"its code is no string", codes, odd, 200, false},
		{"any counts", []string{"*"}, bare, 200, true},
		{"any counts, among them a refusal", []string{"*"}, forbidden, 200, true},
		{"it is no JSON", []string{"*"}, "oops", 200, false},
		{"it has no errors", []string{"*"}, `{"data":{"book":null}}`, 200, false},
		{"it is too long", []string{"*"}, bare + strings.Repeat(" ", 2<<20), 200, false},
		{"another status", []string{"*"}, bare, 400, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var fails atomic.Bool
			o := startOrigin(t, func(w http.ResponseWriter, body string) {
				if !fails.Load() {
					books(func() string { return "a" })(w, body)
					return
				}
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.answer)
			})
			r := newRig(t)
			r.policy.Cache.MaxTTL = time.Nanosecond
			r.policy.Cache.StaleErrorCodes = c.codes
			r.start(o.address)
			k := r.dial()
			k.ask(bookQuery)
			r.stored(1)
			fails.Store(true)
			for range 3 { // one after the other: no mark keeps the stale answer away
				res, body := k.ask(bookQuery)
				said := res.Header.Get("Cache-Status")
				switch {
				case c.stale && (res.StatusCode != 200 || body != bookBody || !strings.HasSuffix(said, "; detail=graphql-errors") || !strings.Contains(said, "hit; ttl=-")):
					t.Fatalf("%d %q %q", res.StatusCode, said, body)
				case !c.stale && (res.StatusCode != c.status || body != c.answer || isHit(res)):
					t.Fatalf("%d %q %.200q", res.StatusCode, said, body)
				}
			}
			want := uint64(0)
			if c.stale {
				want = 3
			}
			if n := r.server.Stats().StaleOnError; n != want {
				t.Errorf("%d are counted, want %d", n, want)
			}
			fails.Store(false)
			if res, body := k.ask(bookQuery); isHit(res) || body != bookBody {
				t.Errorf("when the service is well again: %v %q", res.Header, body)
			}
		})
	}
}

// The stale answers take the place of a batch as a whole.
func TestStaleAnswersForErrorsInABatch(t *testing.T) {
	const other = `query Other { book(id: "2") { id title } }`
	for _, c := range []struct {
		name, answer string
		stale        bool
	}{
		{"one fails", `[{"data":{"book":{"__typename":"Book","id":"1","title":"new"}}},{"data":null,"errors":[{"message":"x","extensions":{"code":"DOWN"}}]}]`, true},
		{"one is refused", `[{"data":null,"errors":[{"message":"x","extensions":{"code":"DOWN"}}]},{"data":null,"errors":[{"message":"x"}]}]`, false},
		{"one is missing", `[{"data":null,"errors":[{"message":"x","extensions":{"code":"DOWN"}}]}]`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := startOrigin(t, func(w http.ResponseWriter, body string) {
				w.Header().Set("Content-Type", "application/json")
				if strings.HasPrefix(body, "[") {
					_, _ = io.WriteString(w, c.answer)
					return
				}
				_, _ = io.WriteString(w, bookBody)
			})
			r := newRig(t)
			r.policy.Cache.MaxTTL = time.Nanosecond
			r.policy.Cache.StaleErrorCodes = []string{"DOWN"}
			r.start(o.address)
			k := r.dial()
			k.ask(bookQuery)
			k.ask(other)
			r.stored(2)
			batch := `[{"query":` + quote(bookQuery) + `},{"query":` + quote(other) + `}]`
			k.send(fmt.Sprintf("POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(batch), batch))
			res, body := k.receive("POST")
			if want := "[" + bookBody + "," + bookBody + "]"; c.stale && (body != want || !strings.HasSuffix(res.Header.Get("Cache-Status"), "; detail=graphql-errors")) {
				t.Errorf("%v %q", res.Header, body)
			}
			if !c.stale && body != c.answer {
				t.Errorf("%v %q", res.Header, body)
			}
		})
	}
}

// What was invalidated while the service was asked is not given in place of its errors.
func TestErrorsAreRelayedWhenTheStaleAnswerIsGone(t *testing.T) {
	var fails atomic.Bool
	r := newRig(t)
	o := startOrigin(t, func(w http.ResponseWriter, body string) {
		if !fails.Load() {
			books(func() string { return "a" })(w, body)
			return
		}
		r.invalidate(cache.Invalidation{Tags: []string{"Book:1"}})
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"data":null,"errors":[{"message":"x"}]}`)
	})
	r.policy.Cache.MaxTTL = time.Nanosecond
	r.policy.Cache.StaleErrorCodes = []string{"*"}
	r.start(o.address)
	k := r.dial()
	k.ask(bookQuery)
	r.stored(1)
	fails.Store(true)
	if res, body := k.ask(bookQuery); isHit(res) || !strings.Contains(body, "errors") {
		t.Errorf("%v %q", res.Header, body)
	}
}
