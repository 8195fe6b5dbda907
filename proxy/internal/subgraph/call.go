package subgraph

import (
	"context"
	"time"

	"github.com/weirproxy/weir/proxy/internal/breaker"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// Ask is what a Call sends and how.
type Ask struct {
	Body     []byte
	Lines    []byte    // of the head, beside those that every request has, each with its CRLF; not changed before the answer was received
	Now      time.Time // when it is sent
	Deadline time.Time
	Once     bool // never sent twice: a mutation
	// Rules are those of the client's breaker; nil: it is not asked. Refuse: nothing is sent while it is open.
	Rules  *breaker.Rules
	Refuse bool
	Leash  *Leash // nil: the call goes on whether its client is there or not
	// Share: the answer to an identical request that is under way may be the answer to this one. Requests are identical whose bodies are, and
	// the first Own bytes of their lines: behind those stands what an answer does not depend on.
	Share bool
	Own   int
	// News is a number that grows with all that a request has to see: it shares nothing that was sent before.
	News uint64
}

// Call is one request and its answer. The zero value is ready.
type Call struct {
	x      *exchange // sent, or held on to for its answer; nil: none
	own    *exchange // memory for the next; nil: that of one before is still held by others
	sharer sharer
}

// Send writes a request, or joins one under way. It may wait for a free place or a connection, up to the deadline. After an error there is
// nothing to receive.
func (k *Call) Send(ctx context.Context, c *Client, a Ask) error {
	k.Release()
	k.sharer.joined = false
	if a.Share && !a.Once && c.lanes != nil {
		return k.share(ctx, c, &a)
	}
	k.x = k.memory(c)
	k.x.lane = nil
	k.x.prepare(ctx, c, &a, a.Leash)
	return k.x.send(&a)
}

func (k *Call) memory(c *Client) *exchange {
	x := k.own
	if k.own = nil; x == nil {
		if x, _ = c.spare.Get().(*exchange); x == nil {
			x = new(exchange)
		}
	}
	return x
}

// Head is that of the answer, valid as long as the content. It is only to be read.
func (k *Call) Head() *wire.ResponseHead { return &k.x.head }

// Receive reads the answer. The content is valid until the next Send or Release, and only to be read: others may have it, too.
func (k *Call) Receive() (status int, content []byte, err error) {
	if k.x.lane != nil {
		content, err = k.receiveShared()
	} else {
		content, err = k.x.finish()
	}
	if err != nil {
		return 0, nil, err
	}
	return k.x.head.Status, content, nil
}

// Hedged reports whether the request was sent a second time because its answer was slow to come.
func (k *Call) Hedged() bool { return k.x != nil && k.x.hedged.Load() }

// Release gives the answer back, if there is one.
func (k *Call) Release() {
	x := k.x
	if x == nil {
		return
	}
	k.x = nil
	if x.lane != nil && !x.let() {
		return
	}
	if k.own == nil {
		k.own = x
	} else {
		x.client.spare.Put(x)
	}
}
