package serve

import (
	"context"
	"time"

	"github.com/weirproxy/weir/proxy/internal/line"
)

// injected returns the request in the form that asks for more keys, nil when it is to be sent as it came.
func (c *conn) injected(x *line.Exchange, g gathered) (message []byte) {
	failed := false
	defer c.s.guard("inject", &failed)
	if g.state != whole {
		return nil
	}
	return c.s.line.Inject(nil, x, &c.head, c.in.bytes()[:c.head.Size], g.content)
}

// fetchInjected fetches such a request over a connection that no client uses and reports whether its answer is stored: then the entry answers. Whatever
// else comes, the request is relayed as it came.
func (c *conn) fetchInjected(x *line.Exchange, message []byte) (stored bool) {
	failed := false
	defer c.s.guard("inject", &failed)
	x.Forwarded, x.Fetches = time.Now().UnixNano(), x.Fetches+1
	u := &upstream{b: make([]byte, relayInput)}
	ctx, cancel := context.WithTimeout(c.s.ctx, refreshLimit)
	defer cancel()
	r := &refresh{x: x, method: c.head.Method, destination: c.destination, message: message}
	content, err := c.s.ask(ctx, u, r)
	if err == nil { // otherwise the request tells, when it is relayed as it came
		c.s.toldOf(&c.ticket, u, r, nil)
	} else {
		c.s.line.InjectFailed()
		return false
	}
	return c.s.line.FinishInjected(ctx, x, &u.head, content, time.Now().UnixNano())
}
