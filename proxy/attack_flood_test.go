package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// asker sends one request again and again over one connection and times each hit.
type asker struct {
	conn    net.Conn
	in      *bufio.Reader
	message string
}

func newAsker(t *testing.T, address, body string) *asker {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(60 * time.Second))
	return &asker{c, bufio.NewReader(c), strings.Replace(message("/graphql", body), "Connection: close\r\n", "", 1)}
}

// hit asks once; the answer must come from the cache.
func (a *asker) hit(t *testing.T) time.Duration {
	began := time.Now()
	if _, err := io.WriteString(a.conn, a.message); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadResponse(a.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		t.Fatal(err)
	}
	if s := r.Header.Get("Cache-Status"); !strings.HasPrefix(s, "weir; hit") {
		t.Fatalf("an entry that nobody named is gone: %q", s)
	}
	return time.Since(began)
}

func percentile(d []time.Duration, p float64) time.Duration {
	slices.Sort(d)
	return d[int(float64(len(d)-1)*p)]
}

// TestAttackTagFlood: ten thousand names a second are invalidated, by the admin listener and by mutations, while others are served from the
// cache. Pieces with the flood and without take turns, so that the machine's own moods fall on both.
func TestAttackTagFlood(t *testing.T) {
	const (
		perSecond = 10_000
		perPiece  = 50 * time.Millisecond // between calls of the flood
		rounds    = 6
		reads     = 1000
		gate      = 10.0 // times; on a machine of two processors that runs other things, too
		floor     = 5 * time.Millisecond
	)
	for name, flood := range map[string]func(r *rig, n int){
		"by the admin listener": func(r *rig, n int) {
			var b strings.Builder
			for i := range perSecond / 20 {
				fmt.Fprintf(&b, `,"Flood:%d"`, n*perSecond+i)
			}
			if a, text := do(r.t, r.admin, http.MethodPost, "/cache/invalidate", `{"tags":[`+b.String()[1:]+`]}`); a.StatusCode != http.StatusOK {
				r.t.Errorf("%d %s", a.StatusCode, text)
			}
		},
		"by mutations": func(r *rig, n int) {
			var b strings.Builder
			for i := range 90 { // as many as one request may alias
				fmt.Fprintf(&b, `m%d: setBook(id: "f%d") { __typename id } `, i, n*100+i)
			}
			for range 5 {
				if g, err := send1(r.address, call{body: operation("mutation { " + b.String() + "}")}); err != nil || g.status != http.StatusOK {
					r.t.Errorf("%+v %v", g, err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, func(w http.ResponseWriter, _ *http.Request, body string) {
				if !strings.Contains(body, "mutation") {
					fmt.Fprint(w, `{"data":{"x":"kept"}}`)
					return
				}
				var b strings.Builder
				for i := range 90 {
					fmt.Fprintf(&b, `,"m%d":{"__typename":"Book","id":"f%d"}`, i, i)
				}
				fmt.Fprint(w, `{"data":{`+b.String()[1:]+`}}`)
			})
			s.answer = withControl(s.answer)
			r := before(t, s, nil)
			r.kept("what the flood does not name", call{body: operation(plainQuery)})
			a := newAsker(t, r.address, operation(plainQuery))
			var quiet, flooded []time.Duration
			var calls atomic.Int64
			for range rounds {
				for range reads {
					quiet = append(quiet, a.hit(t))
				}
				stop := make(chan struct{})
				var work sync.WaitGroup
				work.Go(func() {
					tick := time.NewTicker(perPiece)
					defer tick.Stop()
					for {
						flood(r, int(calls.Add(1)))
						select {
						case <-tick.C:
						case <-stop:
							return
						}
					}
				})
				for begin := time.Now(); time.Since(begin) < 4*perPiece; { // the flood is under way all the time
					flooded = append(flooded, a.hit(t))
				}
				close(stop)
				work.Wait()
			}
			before, during := percentile(quiet, 0.99), percentile(flooded, 0.99)
			t.Logf("%d invalidating calls; p99 of %d hits %v without the flood, of %d hits %v with it: %.2f times", calls.Load(), len(quiet), before, len(flooded), during, float64(during)/float64(before))
			if during > floor && float64(during) > gate*float64(before) {
				t.Errorf("the flood moves the p99 of hits from %v to %v", before, during)
			}
		})
	}
}

// withControl lets what has no hint be kept.
func withControl(answer func(w http.ResponseWriter, r *http.Request, body string)) func(w http.ResponseWriter, r *http.Request, body string) {
	return func(w http.ResponseWriter, r *http.Request, body string) {
		w.Header().Set("Cache-Control", "public, max-age=600")
		answer(w, r, body)
	}
}
