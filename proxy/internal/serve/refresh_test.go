package serve

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirproxy/weir/proxy/internal/breaker"
	"github.com/weirproxy/weir/proxy/internal/policy"
)

// Whatever a refresh is answered with, the breaker hears what a relayed request with that answer tells it, and the entry that was to be renewed
// stays.
func TestWhatARefreshIsAnsweredWith(t *testing.T) {
	head := func(status string, length int) string {
		return "HTTP/1.1 " + status + "\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(length) + "\r\n\r\n"
	}
	long := strings.Repeat(" ", 3<<20)
	for _, c := range []struct {
		name, answer string
		opens, fails bool
	}{
		{"503", "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", true, true},
		{"503 with JSON", head("503 No", 2) + "{}", true, true},
		{"503 that is too long", head("503 No", len(long)) + long, true, true},
		{"503 that breaks off", head("503 No", 9) + "{", true, true},
		{"500", head("500 No", 2) + "{}", false, true},
		{"nothing", "", true, true},
		{"half a head", "HTTP/1.1 200 OK\r\nConte", true, true},
		{"no head", "\x00\x01\x02\r\n\r\n", false, true},
		{"200 that is too long", head("200 OK", len(long)) + long, false, true},
		{"200 that breaks off", head("200 OK", 9) + "{", false, true},
		{"errors of fields", message(`{"data":null,"errors":[{"message":"x"}]}`), false, false},
		{"not to be kept", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: " + strconv.Itoa(len(bookBody)) + "\r\n\r\n" + bookBody, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked atomic.Int64
			address := startRaw(t, func(k net.Conn) {
				r := bufio.NewReader(k)
				req, err := http.ReadRequest(r)
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, req.Body)
				if asked.Add(1) > 1 {
					_, _ = io.WriteString(k, c.answer)
					return
				}
				_, _ = io.WriteString(k, message(bookBody))
			})
			r := newRig(t)
			r.policy.Cache.MaxTTL = time.Nanosecond
			r.policy.Cache.StaleWhileRevalidate = time.Hour
			r.policy.Breaker = policy.Breaker{Mode: policy.Observe, Rules: breaker.Rules{Window: time.Minute, Requests: 2, Ratio: 0.5, Open: time.Hour}}
			r.start(address)
			r.dial().ask(bookQuery)
			r.stored(1)
			for range 2 { // the first one begins the refresh
				res, body := r.dial().ask(bookQuery)
				if !isHit(res) || body != bookBody {
					t.Errorf("%v %q", res.Header, body)
				}
				within(t, func() bool { st := r.server.Stats(); return st.Refreshes >= 1 && r.store.Stats().Abandoned >= 1 })
			}
			within(t, func() bool { return r.server.Stats().RefreshesFailed > 0 == c.fails })
			if st := r.server.Stats(); (st.Breakers["open"] == 1) != c.opens {
				t.Errorf("the breaker is %v", st.Breakers)
			}
		})
	}
}
