package origin

import (
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Faults are the failures the origin plays on its GraphQL endpoint.
type Faults struct {
	DelayMS   int     `json:"delay_ms"`   // wait before every answer
	ErrorRate float64 `json:"error_rate"` // share of requests answered 500, spread evenly: 0.25 is every fourth
	Down      bool    `json:"down"`       // close the connection instead of answering
}

type faults struct {
	mu      sync.Mutex
	active  Faults
	arrears float64
}

func (f *faults) set(n Faults) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.active, f.arrears = n, 0
}

// next decides the fate of one request.
func (f *faults) next() (delay time.Duration, fail, down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.arrears += f.active.ErrorRate
	if f.arrears >= 1 {
		f.arrears--
		fail = true
	}
	return time.Duration(f.active.DelayMS) * time.Millisecond, fail, f.active.Down
}

// serveFaults shows the faults (GET) or replaces them (PUT, POST).
func (s *Server) serveFaults(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPut || r.Method == http.MethodPost {
		var n Faults
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096))
		d.DisallowUnknownFields()
		if err := d.Decode(&n); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if n.ErrorRate < 0 || n.ErrorRate > 1 || n.DelayMS < 0 {
			http.Error(w, "error_rate is 0..1, delay_ms is not negative", http.StatusBadRequest)
			return
		}
		s.faults.set(n)
	}
	s.faults.mu.Lock()
	active := s.faults.active
	s.faults.mu.Unlock()
	writeJSON(w, active)
}

type counters struct {
	mu sync.Mutex
	by map[string]int64
}

func (c *counters) add(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == nil {
		c.by = map[string]int64{}
	}
	c.by[name]++
}

func (c *counters) snapshot() map[string]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.by)
}

// serveCounters shows the counts by operation; DELETE sets them to zero.
func (s *Server) serveCounters(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodDelete {
		s.counters.mu.Lock()
		clear(s.counters.by)
		s.counters.mu.Unlock()
	}
	writeJSON(w, s.counters.snapshot())
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func number(r *http.Request, name string, otherwise int) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil || n < 0 || n > 1_000_000 {
		return otherwise
	}
	return n
}

func milliseconds(r *http.Request, name string, otherwise int) time.Duration {
	return time.Duration(number(r, name, otherwise)) * time.Millisecond
}
