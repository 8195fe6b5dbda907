package telemetry

import (
	"github.com/weirproxy/weir/telemetry/event"
)

// CacheStatus says what the cache had to do with an operation.
type CacheStatus uint8

// Cache statuses.
const (
	None      CacheStatus = iota // not asked: mutations, subscriptions, what was not read
	Hit                          // answered from an entry
	Miss                         // fetched, and offered to the cache
	Stale                        // answered from an expired entry
	Bypass                       // not cacheable for this request
	Collapsed                    // answered from the fetch of another request
	Refused                      // answered with an error by the sidecar
	Negative                     // answered from an entry that says there is nothing
	cacheStatuses
)

var statusNames = [cacheStatuses]string{"none", "hit", "miss", "stale", "bypass", "collapsed", "refused", "negative"}

// String returns the name used in events and metrics.
func (s CacheStatus) String() string {
	if s < cacheStatuses {
		return statusNames[s]
	}
	return statusNames[None]
}

// saves reports whether such an answer spared a fetch.
func (s CacheStatus) saves() bool {
	return s == Hit || s == Stale || s == Collapsed || s == Negative
}

var kindNames = [...]string{"unknown", "query", "mutation", "subscription"}

// Record is what the data plane knows of one operation. The caller owns it.
type Record struct {
	Start, End    int64 // unix ns
	Operation     string
	OperationHash [16]byte // zero: none
	Kind          uint8    // unknown, query, mutation, subscription
	Client        string
	Tenant        string
	Code          string // of an error the sidecar made; empty
	Status        uint16 // HTTP; 0: no answer came
	Errors        uint16
	CacheStatus   CacheStatus
	Quantities    event.Quantities // ProxyCPUUS is filled by Price and Emit
	Subgraphs     []event.Subgraph // copied by Emit
	Worth         int64            // pico-USD that the entry's fill cost; hits only
	TraceID       [16]byte         // zero: none
	CacheKey      uint64           // names the cache's entry, in metadata; 0: not told
	Series        *Series

	// Filled by Emit, Cost and Saved by Price too.
	Score       float32
	Cost, Saved int64 // pico-USD

	from *Telemetry
	book *PriceBook
	seq  uint64
}

// keep makes dst a copy of src, subgraphs included, in the memory that dst has for those.
func keep(dst, src *Record) {
	own := dst.Subgraphs[:0]
	*dst = *src
	dst.Subgraphs = append(own, src.Subgraphs...)
}

// forget clears what the record points to, but for the memory of its subgraphs.
func (r *Record) forget() {
	clear(r.Subgraphs)
	*r = Record{Subgraphs: r.Subgraphs[:0]}
}
