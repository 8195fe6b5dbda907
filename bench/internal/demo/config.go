package demo

import (
	"io"
	"time"

	"github.com/weirproxy/weir/bench/internal/fleet"
)

// Config of a demo. Binaries and Out are needed.
type Config struct {
	Binaries fleet.Binaries
	Redis    []string      // addresses; none: an own redis-server
	Kafka    []string      // addresses; none: a broker in this process
	Duration time.Duration // of load and script; 0: until the context ends
	Rate     float64       // requests per second
	Out      io.Writer
	Width    func() int // of the terminal; nil: no terminal, one line at a time
}

// MinDuration is the shortest time in which the script fits.
const MinDuration = 12 * time.Second

const (
	entities    = 2000 // cities that the load reads
	connections = 12
	mutations   = 0.01
	frameTime   = time.Second
	service     = "geo"
	alarm       = 0.8 // anomaly score from which an event is counted as an anomaly
)

// Result is the JSON object at the end.
type Result struct {
	Requests             int64   `json:"requests"`
	Hits                 int64   `json:"hits"`
	HitRatio             float64 `json:"hit_ratio"`
	P50                  int64   `json:"p50_us"`
	P99                  int64   `json:"p99_us"`
	EventsProduced       int64   `json:"events_produced"`
	EventsConsumed       int64   `json:"events_consumed"`
	CostUSD              USD     `json:"cost_usd"`
	SavedUSD             USD     `json:"saved_usd"`
	Anomalies            int64   `json:"anomalies"` // events with a score of 0.8 or more
	ConfigVersion        uint64  `json:"config_version"`
	CommandsApplied      int     `json:"commands_applied"` // effects seen, one for each command and sidecar
	StaleAfterInvalidate int64   `json:"stale_after_invalidate"`
	Errors               int64   `json:"errors"`                   // outside the planned outage
	OutageErrors         int64   `json:"errors_while_origin_down"` // nothing cached to answer from
	StaleServed          int64   `json:"stale_served"`             // answers from stale entries until the origin came back
	Steps                []Step  `json:"steps"`
	OK                   bool    `json:"ok"`
}

// Step is one step of the script and its outcome.
type Step struct {
	Name     string  `json:"name"`
	Expected string  `json:"expected"`
	Saw      string  `json:"saw"`
	Seconds  float64 `json:"seconds"`
	OK       bool    `json:"ok"`
}
