package replay

import (
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/weirproxy/weir/telemetry/event"
)

// readEvents reads cost events, in an envelope or without.
func (r *reader) readEvents(in io.Reader) error {
	return r.readLines(in, func(raw []byte) error {
		r.event(raw)
		return nil
	})
}

// anEvent is what is needed of an event: an envelope, or the data alone.
type anEvent struct {
	Type string   `json:"type"`
	Data *theData `json:"data"`
	theData
}

type theData struct {
	EventID       string `json:"event_id"`
	EventType     string `json:"event_type"`
	Timestamp     string `json:"timestamp"`
	Operation     string `json:"operation"`
	OperationHash string `json:"operation_hash"`
	OperationKind string `json:"operation_kind"`
	LatencyUS     int64  `json:"latency_us"`
	Count         int    `json:"count"` // of a loss
}

const maxOperations = 100_000

// event takes one event.
func (r *reader) event(raw []byte) {
	var e anEvent
	if err := json.Unmarshal(raw, &e); err != nil {
		r.skip("a line that is no event: %s", jsonProblem(err))
		return
	}
	d := &e.theData
	if e.Data != nil {
		d = e.Data
	}
	switch d.EventType {
	case event.CostType:
	case event.LossType:
		r.skipMany(max(1, d.Count), "an event that was lost, as %s says", event.LossTopic)
		return
	default:
		r.skip("an event of another type than %s", event.CostType)
		return
	}
	at, err := time.Parse(time.RFC3339Nano, d.Timestamp)
	switch {
	case err != nil:
		r.skip("no time")
	case d.OperationKind != "query" && d.OperationKind != "mutation":
		r.skip("an operation of kind %.20s", d.OperationKind)
	case r.seen.Before(d.EventID):
		r.skip("an event that came before")
	default:
		o := Operation{Name: d.Operation, Hash: d.OperationHash, Kind: d.OperationKind}
		n, ok := r.ops[o]
		if !ok {
			if len(r.operations) >= maxOperations {
				r.skip("one of more than %d operations", maxOperations)
				return
			}
			n = uint32(len(r.operations))
			r.ops[o] = n
			r.operations = append(r.operations, o)
		}
		r.operations[n].Count++
		// An event is of the end of its operation.
		r.events = append(r.events, occurrence{at.UnixNano() - max(0, d.LatencyUS)*int64(time.Microsecond), n})
	}
}

// sequences are the numbers seen of one process, as bits.
type sequences struct{ pages map[uint64]*[1 << 10]uint64 }

const pageBits = 16

// Seen remembers the ids of events, which are sent at least once. The zero value is ready.
type Seen struct{ by map[string]*sequences }

// Before reports whether an event with this id came before. An id is PROCESS-SEQUENCE.
func (r *Seen) Before(id string) bool {
	cut := strings.LastIndexByte(id, '-')
	if cut < 0 {
		return false
	}
	n, err := strconv.ParseUint(id[cut+1:], 10, 64)
	if err != nil {
		return false
	}
	s := r.by[id[:cut]]
	if s == nil {
		if r.by == nil {
			r.by = map[string]*sequences{}
		}
		s = &sequences{map[uint64]*[1 << 10]uint64{}}
		r.by[strings.Clone(id[:cut])] = s
	}
	page := s.pages[n>>pageBits]
	if page == nil {
		page = new([1 << 10]uint64)
		s.pages[n>>pageBits] = page
	}
	word, bit := &page[n>>6&(1<<10-1)], uint64(1)<<(n&63)
	before := *word&bit != 0
	*word |= bit
	return before
}
