package origin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/weirproxy/weir/bench/internal/origin/fault"
)

// Faults are the failures the origin plays on its GraphQL endpoint. Times in rules and stalls count from the moment the faults come into force: the start
// of the server, SetFaults, or a PUT.
type Faults struct {
	DelayMS   int      `json:"delay_ms"`          // wait before every answer
	ErrorRate float64  `json:"error_rate"`        // share of requests answered 500, spread evenly: 0.25 is every fourth
	Down      bool     `json:"down"`              // close the connection instead of answering
	Rules     []string `json:"rules,omitempty"`   // see fault.Form; the first that hits a request decides
	Latency   []string `json:"latency,omitempty"` // see LatencyForm; instead of what the origin was started with, when not empty
}

// conditions are faults in force. They are replaced as a whole.
type conditions struct {
	given   Faults
	latency []*latency
	plan    *fault.Plan
	rules   []fault.Rule
	since   time.Time
	ended   chan struct{} // closed when others take their place
}

type faults struct {
	mu      sync.Mutex
	active  *conditions
	arrears float64
}

func (s *Server) conditions(f Faults, since time.Time) (*conditions, error) {
	if f.ErrorRate < 0 || f.ErrorRate > 1 || f.DelayMS < 0 {
		return nil, errors.New("error_rate is 0..1, delay_ms is not negative")
	}
	c := &conditions{given: f, since: since, ended: make(chan struct{})}
	for _, text := range f.Rules {
		rule, err := fault.ParseRule(text)
		if err != nil {
			return nil, err
		}
		if typeName, field, named := strings.Cut(rule.Text, "."); rule.Kind == fault.Partial && named && !s.engine.HasField(typeName, field) {
			return nil, fmt.Errorf("fault %q: the schema has no field %s: write TYPE.FIELD of an object type", text, rule.Text)
		}
		c.rules = append(c.rules, rule)
	}
	c.plan = fault.NewPlan(c.rules, s.spec.Seed, since)
	texts := f.Latency
	if len(texts) == 0 {
		texts = s.spec.Latency
	}
	for _, text := range texts {
		l, err := parseLatency(text, s.spec.Seed)
		if err != nil {
			return nil, err
		}
		c.latency = append(c.latency, l)
	}
	return c, nil
}

// SetFaults replaces the active faults, and returns when they are in force. On an error nothing changes.
func (s *Server) SetFaults(f Faults) error {
	c, err := s.conditions(f, time.Now())
	if err != nil {
		return err
	}
	s.faults.set(c)
	s.mu.Lock()
	d := s.door
	s.mu.Unlock()
	if d != nil {
		s.govern(d)
	}
	return nil
}

func (f *faults) set(c *conditions) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.active != nil {
		close(f.active.ended)
	}
	f.active, f.arrears = c, 0
}

// current returns the conditions in force.
func (f *faults) current() *conditions {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.active
}

// next decides what the three fields without rules do to one request.
func (f *faults) next() (c *conditions, fail bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.arrears += f.active.given.ErrorRate
	if f.arrears >= 1 {
		f.arrears--
		fail = true
	}
	return f.active, fail
}

// wait is how long a request waits before it is executed.
func (c *conditions) wait(o *fault.Operation, arrived time.Time) (wait time.Duration, stalled bool) {
	for _, l := range c.latency {
		d, s := l.of(o, arrived.Sub(c.since))
		wait, stalled = wait+d, stalled || s
	}
	return wait, stalled
}

func decodeFaults(raw []byte) (f Faults, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return Faults{}, fmt.Errorf(`faults: %w: write for instance {"rules":["10s..15s:reset=mid-body@0.2"],"delay_ms":5}`, err)
	}
	return f, nil
}

// serveFaults shows the faults (GET), replaces them (PUT, POST) or ends them (DELETE).
func (s *Server) serveFaults(w http.ResponseWriter, r *http.Request) {
	var f Faults
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		writeJSON(w, s.faults.current().given)
		return
	case http.MethodPut, http.MethodPost:
		raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err == nil {
			f, err = decodeFaults(raw)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	case http.MethodDelete:
	default:
		w.Header().Set("Allow", "GET, PUT, POST, DELETE")
		http.Error(w, "use GET, PUT or DELETE", http.StatusMethodNotAllowed)
		return
	}
	s.spare(w, r)
	if err := s.SetFaults(f); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	writeJSON(w, s.faults.current().given)
}
