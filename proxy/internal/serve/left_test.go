package serve

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// A client that ends its half, or leaves, while its request fills the cache is not followed by the origin's connection at once, so that the fill
// may end; but no later than an idle connection would end, for an origin that never answers would keep both for ever.
func TestTheWaitForAFillWithoutClientEnds(t *testing.T) {
	const idle = 300 * time.Millisecond
	for name, leave := range map[string]func(*net.TCPConn){
		"half": func(c *net.TCPConn) { _ = c.CloseWrite() },
		"whole": func(c *net.TCPConn) {
			_ = c.SetLinger(0)
			c.Close()
		},
	} {
		for _, answers := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				asked, left := make(chan struct{}), make(chan struct{})
				saw := make(chan time.Duration, 1)
				address := startRaw(t, func(c net.Conn) {
					r := bufio.NewReader(c)
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, req.Body)
					close(asked)
					<-left
					begun := time.Now()
					_ = c.SetReadDeadline(begun.Add(40 * idle)) // an end that does not come
					if answers {                                // late, but in time
						time.Sleep(idle / 3)
						_, _ = io.WriteString(c, message(bookBody))
					}
					_, _ = r.ReadByte()
					saw <- time.Since(begun)
				})
				r := newRig(t)
				r.policy.Deadlines.Idle = idle
				r.start(address)
				k := r.dial()
				k.send(post(bookQuery))
				<-asked
				leave(k.c.(*net.TCPConn))
				close(left)
				took := <-saw
				if answers {
					r.stored(1)
					return
				}
				if took < idle/2 || took > 20*idle {
					t.Errorf("the origin saw the end after %v", took)
				}
				waitFor(t, func() bool { return r.server.Stats().Connections == 0 })
			})
		}
	}
}
