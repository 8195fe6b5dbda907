package serve

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// An origin says more than it was asked for while the next request is in hand, one whose answer would be kept. Both directions are to be copied from
// there on, but the client is being read by a feed, so that has to end first: nothing is lost, doubled or out of order for that.
func TestASpliceThatWaitsForTheFeed(t *testing.T) {
	const more, up, down = "more than was asked for", "the client goes on", "and so does the origin"
	second := post(bookQuery)
	got := make(chan string, 1)
	address := startRaw(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		for i := range 2 {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			answer := message(`{"data":{"now":"1"}}`)
			if i == 1 {
				answer += more
			}
			_, _ = io.WriteString(c, answer)
		}
		b := make([]byte, len(second)+len(up))
		n, _ := io.ReadFull(r, b)
		got <- string(b[:n])
		_, _ = io.WriteString(c, down)
	})
	r := newRig(t)
	r.start(address)
	k := r.dial()
	if res, _ := k.ask(nowQuery); res.StatusCode != http.StatusOK {
		t.Fatal(res.Status)
	}
	k.send(post(nowQuery) + second) // in one read of the feed
	if _, body := k.receive("POST"); !strings.Contains(body, "now") {
		t.Fatalf("%q", body)
	}
	b := make([]byte, len(more))
	if _, err := io.ReadFull(k.r, b); err != nil || string(b) != more {
		t.Fatalf("%v %q", err, b)
	}
	k.send(up)
	if text := <-got; text != second+up {
		t.Errorf("the origin got %q", text)
	}
	if rest, err := io.ReadAll(k.r); err != nil || string(rest) != down {
		t.Errorf("the client got %v %q", err, rest)
	}
	st := r.server.Stats()
	if st.Spliced["server_first"] != 1 || st.Unsolicited != 1 {
		t.Errorf("%v, %d unasked", st.Spliced, st.Unsolicited)
	}
	if n := r.store.Stats().Stored; n != 0 {
		t.Errorf("%d answers were kept of what nobody can tell apart", n)
	}
}
