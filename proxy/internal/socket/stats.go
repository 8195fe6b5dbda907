package socket

import (
	"strconv"
	"sync/atomic"

	"github.com/coder/websocket"
)

// Close codes of the protocol.
const (
	closeBadMessage   websocket.StatusCode = 4400
	closeUnauthorized websocket.StatusCode = 4401
	closeInitTimeout  websocket.StatusCode = 4408
	closeSameID       websocket.StatusCode = 4409
	closeSecondInit   websocket.StatusCode = 4429
)

// counted are the codes that are told apart.
var counted = [...]websocket.StatusCode{
	websocket.StatusNormalClosure, websocket.StatusGoingAway, websocket.StatusNoStatusRcvd, websocket.StatusAbnormalClosure, websocket.StatusMessageTooBig,
	closeBadMessage, closeUnauthorized, closeInitTimeout, closeSameID, closeSecondInit,
}

// Counters count the sockets of a server.
type Counters struct {
	open                   atomic.Int64
	opened, operations     atomic.Uint64
	received, sent         atomic.Uint64
	slow, surplus, silence atomic.Uint64
	closed                 [len(counted) + 1]atomic.Uint64
}

// Stats are the gauge of now (Open) and counts since the beginning.
type Stats struct {
	Open               int64
	Opened, Operations uint64
	Received, Sent     uint64            // messages
	Slow               uint64            // sockets that ended as their client took no message within the write deadline
	Silent             uint64            // those whose client did not answer a ping
	Surplus            uint64            // operations that were refused, as too many were under way
	Closed             map[string]uint64 // sockets, by close code
}

// Stats returns a snapshot.
func (c *Counters) Stats() Stats {
	s := Stats{
		Open: c.open.Load(), Opened: c.opened.Load(), Operations: c.operations.Load(), Received: c.received.Load(), Sent: c.sent.Load(),
		Slow: c.slow.Load(), Silent: c.silence.Load(), Surplus: c.surplus.Load(), Closed: make(map[string]uint64, len(c.closed)),
	}
	for i, code := range counted {
		s.Closed[strconv.Itoa(int(code))] = c.closed[i].Load()
	}
	s.Closed["other"] = c.closed[len(counted)].Load()
	return s
}

func (c *Counters) close(code websocket.StatusCode) {
	for i := range counted {
		if counted[i] == code {
			c.closed[i].Add(1)
			return
		}
	}
	c.closed[len(counted)].Add(1)
}
