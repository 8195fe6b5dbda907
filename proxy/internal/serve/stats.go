package serve

import (
	"sync/atomic"

	"github.com/weirproxy/weir/proxy/internal/socket"
)

type counters struct {
	accepted, acceptErrors, refusedConnections   atomic.Uint64
	requests, relayed, hits, refused             atomic.Uint64
	spliced                                      [spliceReasons]atomic.Uint64
	panics, left                                 atomic.Uint64
	timeouts                                     [phases]atomic.Uint64
	dialErrors, upstreamClosed, staleOnError     atomic.Uint64
	refreshes, refreshesDropped, refreshesFailed atomic.Uint64
	unsolicited                                  atomic.Uint64
	staleUnasked, openRefused, openPassed        atomic.Uint64
	refreshesHeld                                atomic.Uint64
	sockets                                      socket.Counters
}

// spliceReason is why a connection is copied without being read.
type spliceReason uint8

const (
	spliceH2 spliceReason = iota
	spliceTLS
	spliceUnknown
	spliceFraming
	spliceUpgrade
	spliceResponse
	spliceServerFirst
	splicePanic
	spliceReasons
)

var spliceNames = [spliceReasons]string{"h2", "tls", "unknown", "framing", "upgrade", "response", "server_first", "panic"}

// Stats are counts since New, and the connections of now.
type Stats struct {
	Connections                                  int
	Accepted, AcceptErrors, RefusedConnections   uint64
	Requests, Relayed, Hits, Refused             uint64
	Spliced                                      map[string]uint64 // connections copied from some point on, by reason
	Timeouts                                     map[string]uint64 // by phase: idle, head, body, write
	Panics                                       uint64
	Left                                         uint64 // clients that left while their answer was fetched from subgraphs
	DialErrors, UpstreamClosed, StaleOnError     uint64
	Refreshes, RefreshesDropped, RefreshesFailed uint64
	Unsolicited                                  uint64
	StaleUnasked, OpenRefused, OpenPassed        uint64            // while a breaker was open: answered stale, refused, and sent all the same
	RefreshesHeld                                uint64            // by an open breaker
	Breakers                                     map[string]uint64 // now, by state
	BreakerChanges                               map[string]uint64 // by the state that was entered
	Pressure                                     int               // 0 none … 3 refusing connections
}

// SocketStats returns a snapshot of the WebSockets that are answered here.
func (s *Server) SocketStats() socket.Stats { return s.stats.sockets.Stats() }

// Stats returns a snapshot.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	n := len(s.conns)
	s.mu.Unlock()
	c := &s.stats
	breakers, changes := s.breakers.Stats()
	out := Stats{
		Connections: n, Accepted: c.accepted.Load(), AcceptErrors: c.acceptErrors.Load(), RefusedConnections: c.refusedConnections.Load(),
		Requests: c.requests.Load(), Relayed: c.relayed.Load(), Hits: c.hits.Load(), Refused: c.refused.Load(),
		Spliced: map[string]uint64{}, Timeouts: map[string]uint64{}, Panics: c.panics.Load(), Left: c.left.Load(),
		DialErrors: c.dialErrors.Load(), UpstreamClosed: c.upstreamClosed.Load(), StaleOnError: c.staleOnError.Load(),
		Refreshes: c.refreshes.Load(), RefreshesDropped: c.refreshesDropped.Load(), RefreshesFailed: c.refreshesFailed.Load(),
		Unsolicited: c.unsolicited.Load(), Pressure: int(s.pressure.Load()),
		StaleUnasked: c.staleUnasked.Load(), OpenRefused: c.openRefused.Load(), OpenPassed: c.openPassed.Load(),
		RefreshesHeld: c.refreshesHeld.Load(), Breakers: breakers, BreakerChanges: changes,
	}
	for i, name := range spliceNames {
		out.Spliced[name] = c.spliced[i].Load()
	}
	for i := phaseIdle; i < phases; i++ {
		out.Timeouts[phaseNames[i]] = c.timeouts[i].Load()
	}
	return out
}
