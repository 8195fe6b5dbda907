package origin

import (
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/weirproxy/weir/bench/internal/origin/fault"
)

// Truth is what the origin did since its start or since the last DELETE of its counters.
type Truth struct {
	Seed          uint64                    `json:"seed"`
	Since         time.Time                 `json:"since"`
	Requests      int64                     `json:"requests"` // to /graphql over HTTP; a batch is one
	Bytes         int64                     `json:"bytes"`    // of their answers' bodies, as far as they were sent
	Operations    map[string]OperationTruth `json:"operations"`
	Fields        map[string]FieldTruth     `json:"fields"` // by TYPE.FIELD; empty unless something is burnt
	Faults        map[string]int64          `json:"faults"` // by kind and stage
	Partial       map[string]int64          `json:"partial_errors"`
	Waits         WaitTruth                 `json:"waits"`
	Subscriptions SubscriptionTruth         `json:"subscriptions"`
}

// OperationTruth is about one operation: its kind and first root field ("query.city"), or "refused" for what was no operation.
type OperationTruth struct {
	Requests int64            `json:"requests"` // arrived, each item of a batch counted; of a batch that a fault kept from execution, the first
	Executed int64            `json:"executed"`
	Errors   int64            `json:"errors"` // executed, with errors in the result
	Bytes    int64            `json:"bytes"`  // of bodies; of a batch, the items
	BurntUS  int64            `json:"burnt_us"`
	Faults   map[string]int64 `json:"faults,omitempty"`
	burnt    time.Duration
}

// FieldTruth is about one field.
type FieldTruth struct {
	Resolved int64 `json:"resolved"`
	BurntUS  int64 `json:"burnt_us"`
	burnt    time.Duration
}

// WaitTruth is about what requests waited by the latency they were given, delays and stalls included; in microseconds.
type WaitTruth struct {
	Requests int64 `json:"requests"` // that waited at all
	Stalled  int64 `json:"stalled"`  // of them, that fell into a stall
	SumUS    int64 `json:"sum_us"`   // as decided
	Decided  Tail  `json:"decided"`
	Measured Tail  `json:"measured"` // from the decision to the moment the request went on
}

// Tail are quantiles in microseconds.
type Tail struct {
	P50 int64 `json:"p50_us"`
	P90 int64 `json:"p90_us"`
	P99 int64 `json:"p99_us"`
	Max int64 `json:"max_us"`
}

// SubscriptionTruth is about subscriptions by protocol.
type SubscriptionTruth struct {
	Opened map[string]int64 `json:"opened"`
	Events map[string]int64 `json:"events"`
	Open   int64            `json:"open"`
	// Dropped are events of a change that a subscriber was too slow to take.
	Dropped int64 `json:"dropped"`
}

// ledger keeps the truth.
type ledger struct {
	mu                sync.Mutex
	t                 Truth
	decided, measured *hdrhistogram.Histogram
}

const maxWaitUS = int64(time.Hour / time.Microsecond)

func (l *ledger) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	open := l.t.Subscriptions.Open
	l.t = Truth{
		Since: time.Now(), Operations: map[string]OperationTruth{}, Fields: map[string]FieldTruth{}, Faults: map[string]int64{}, Partial: map[string]int64{},
		Subscriptions: SubscriptionTruth{Opened: map[string]int64{}, Events: map[string]int64{}, Open: open},
	}
	l.decided, l.measured = hdrhistogram.New(1, maxWaitUS, 3), hdrhistogram.New(1, maxWaitUS, 3)
}

// operation changes the counts of one operation. The caller holds the lock.
func (l *ledger) operation(label string, f func(o *OperationTruth)) {
	if label == "" {
		label = "refused"
	}
	o := l.t.Operations[label]
	f(&o)
	l.t.Operations[label] = o
}

// fault counts one fault; label is the operation it hit, "" before there was one.
func (l *ledger) fault(name, label string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hit(name, label)
}

func (l *ledger) hit(name, label string) {
	l.t.Faults[name]++
	if label != "" {
		l.operation(label, func(o *OperationTruth) {
			if o.Faults == nil {
				o.Faults = map[string]int64{}
			}
			o.Faults[name]++
		})
	}
}

// waited counts one wait.
func (l *ledger) waited(decided, measured time.Duration, stalled bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := &l.t.Waits
	w.Requests++
	w.SumUS += decided.Microseconds()
	if stalled {
		w.Stalled++
	}
	_ = l.decided.RecordValue(min(maxWaitUS, decided.Microseconds())) // in range
	_ = l.measured.RecordValue(min(maxWaitUS, measured.Microseconds()))
}

// tally is what executing one operation did.
type tally struct {
	label    string
	executed bool
	errors   bool
	bytes    int64
	partial  string // TYPE.FIELD of the error that was put in
	fields   map[string]FieldTruth
}

// add counts one operation.
func (l *ledger) add(t *tally) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.operation(t.label, func(o *OperationTruth) {
		o.Requests++
		o.Bytes += t.bytes
		if t.executed {
			o.Executed++
		}
		if t.errors {
			o.Errors++
		}
		l.burnt(o, t.fields)
	})
	if t.partial != "" {
		l.t.Partial[t.partial]++
		l.hit(string(fault.Partial), t.label)
	}
}

// burnt adds what the fields of an operation burnt. The caller holds the lock.
func (l *ledger) burnt(o *OperationTruth, fields map[string]FieldTruth) {
	for name, f := range fields {
		sum := l.t.Fields[name]
		sum.Resolved += f.Resolved
		sum.burnt += f.burnt
		o.burnt += f.burnt
		l.t.Fields[name] = sum
	}
}

// sent counts one HTTP request and the bytes of its body that were sent; label gets the bytes too unless it is empty.
func (l *ledger) sent(n int64, label string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.t.Requests++
	l.t.Bytes += n
	if label != "" {
		l.operation(label, func(o *OperationTruth) { o.Bytes += n })
	}
}

// counts is how often each operation was executed.
func (l *ledger) counts() map[string]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string]int64{}
	for label, o := range l.t.Operations {
		if o.Executed > 0 {
			out[label] = o.Executed
		}
	}
	return out
}

func tail(h *hdrhistogram.Histogram) Tail {
	return Tail{h.ValueAtQuantile(50), h.ValueAtQuantile(90), h.ValueAtQuantile(99), h.Max()}
}

// Truth returns a copy of what the origin did.
func (s *Server) Truth() Truth {
	l := &s.truth
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.t
	t.Seed = s.spec.Seed
	t.Operations, t.Fields = maps.Clone(t.Operations), maps.Clone(t.Fields)
	t.Faults, t.Partial = maps.Clone(t.Faults), maps.Clone(t.Partial)
	t.Subscriptions.Opened, t.Subscriptions.Events = maps.Clone(t.Subscriptions.Opened), maps.Clone(t.Subscriptions.Events)
	for label, o := range t.Operations {
		o.BurntUS, o.Faults = o.burnt.Microseconds(), maps.Clone(o.Faults)
		t.Operations[label] = o
	}
	for name, f := range t.Fields {
		f.BurntUS = f.burnt.Microseconds()
		t.Fields[name] = f
	}
	if s.dropped != nil {
		t.Subscriptions.Dropped = s.dropped()
	}
	t.Waits.Decided, t.Waits.Measured = tail(l.decided), tail(l.measured)
	return t
}

// Counts returns how often each operation was executed, by kind and first root field ("query.city").
func (s *Server) Counts() map[string]int64 { return s.truth.counts() }

// serveCounters shows the executed operations and, as "fault.NAME", the faults; DELETE sets them to zero.
func (s *Server) serveCounters(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodDelete {
		s.truth.reset()
	}
	out := s.truth.counts()
	for name, n := range s.Truth().Faults {
		out["fault."+name] = n
	}
	writeJSON(w, out)
}

// serveTruth shows everything that was counted; DELETE sets it to zero.
func (s *Server) serveTruth(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodDelete {
		s.truth.reset()
	}
	writeJSON(w, s.Truth())
}
