package result

import "time"

// Format is the version of the file; readers refuse others.
const Format = "weir-bench/1"

// File is one measurement. A part that was not measured is nil.
type File struct {
	Format   string    `json:"format"`
	Command  []string  `json:"command"` // as typed
	Version  string    `json:"version"` // of weir-bench
	Started  time.Time `json:"started"`
	Seconds  float64   `json:"seconds"`
	Machines []Machine `json:"machines"` // one, or several after a merge
	// Partial says that the measurement ended before its time, and why; "" when it is whole.
	Partial  string    `json:"partial,omitempty"`
	Warnings []Warning `json:"warnings,omitempty"`

	Run     *Run     `json:"run,omitempty"`
	Compare *Compare `json:"compare,omitempty"`
	Tables  []Table  `json:"tables,omitempty"` // growth, footprint, soak, checks of the generator
}

// Machine is where it ran.
type Machine struct {
	CPU         string `json:"cpu"`
	CPUs        int    `json:"cpus"`
	MemoryBytes int64  `json:"memory_bytes"`
	Kernel      string `json:"kernel"`
	Go          string `json:"go"`
}

// Codes of warnings.
const (
	WarnShort       = "too-short"         // too few requests for the percentiles it prints
	WarnNoisy       = "too-noisy"         // the rate moved more than the result can bear
	WarnGenerator   = "generator-limited" // the generator, not the target, was the limit
	WarnConnections = "connections-busy"  // requests waited for a free connection
	WarnTarget      = "target-died"       // the target stopped answering during the run
	WarnNoNumber    = "no-number"         // a figure could not be computed
	WarnApart       = "not-together"      // merged runs did not run at the same time, or not with the same version
)

// Warning is a reason to distrust the figures, with its cure.
type Warning struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// Run is one run of load.
type Run struct {
	Targets     []string  `json:"targets"`
	Loop        string    `json:"loop"`               // open or closed
	Arrivals    string    `json:"arrivals,omitempty"` // of an open loop, as typed: constant:1000
	Connections int       `json:"connections"`
	Seed        uint64    `json:"seed"`
	Workload    string    `json:"workload"` // file name, or the name of a built-in one
	Generator   Generator `json:"generator"`

	Total         Stats          `json:"total"`
	Operations    []Operation    `json:"operations"`
	Series        []Second       `json:"series"`
	Subscriptions *Subscriptions `json:"subscriptions,omitempty"`
	Thresholds    []Threshold    `json:"thresholds,omitempty"`
	Search        []Step         `json:"search,omitempty"`       // of --find-max, in the order tried
	HighestRate   float64        `json:"highest_rate,omitempty"` // that held, per second; 0: none did
}

// Operation is the part of one operation.
type Operation struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"` // query, mutation, batch
	Stats Stats  `json:"stats"`
}

// Stats are counts and latencies. In an open loop latency counts from the moment a request was due. Failed requests have no latency.
type Stats struct {
	Requests      int64            `json:"requests"` // answered or failed
	Errors        int64            `json:"errors"`
	Failures      map[string]int64 `json:"failures,omitempty"` // errors by kind
	Excused       int64            `json:"excused_errors,omitempty"`
	Hits          int64            `json:"hits"`                 // as Cache-Status says
	Misses        int64            `json:"misses"`               // a Cache-Status that is no hit
	StaleHits     int64            `json:"stale_hits,omitempty"` // past their lifetime, as Cache-Status says
	StaleEntities int64            `json:"stale_entities,omitempty"`
	Bytes         int64            `json:"bytes"`               // of answer bodies
	Rate          float64          `json:"rate"`                // per second
	Latency       Histogram        `json:"latency_us"`          // from due (open) or sent (closed) to the last byte
	Service       Histogram        `json:"service_us,omitzero"` // from sent to the last byte: what a closed-loop tool would report
}

// Second is one row of the series.
type Second struct {
	At       float64 `json:"at"` // seconds since the start, of the row's end
	Requests int64   `json:"requests"`
	Errors   int64   `json:"errors"`
	Hits     int64   `json:"hits"`
	Misses   int64   `json:"misses"`
	P50      int64   `json:"p50_us"`
	P90      int64   `json:"p90_us"`
	P99      int64   `json:"p99_us"`
	Max      int64   `json:"max_us"`
}

// Generator is what the load generator itself did.
type Generator struct {
	CPUSeconds    float64   `json:"cpu_seconds"`
	CPUPerRequest float64   `json:"cpu_us_per_request"`
	Busy          float64   `json:"busy"`        // share of its threads' time on a processor, 0..1
	Lateness      Histogram `json:"lateness_us"` // from due to sent where a connection was free
	Waited        int64     `json:"waited"`      // requests for which no connection was free when due
}

// Subscriptions are the streams that were open beside the requests.
type Subscriptions struct {
	Name      string           `json:"name"`
	Protocol  string           `json:"protocol"` // graphql-transport-ws, graphql-ws, sse
	Wanted    int              `json:"wanted"`
	Opened    int64            `json:"opened"`
	Open      int64            `json:"open"` // at the end
	Errors    int64            `json:"errors"`
	Failures  map[string]int64 `json:"failures,omitempty"`
	Events    int64            `json:"events"`
	Bytes     int64            `json:"bytes"`
	PerSecond float64          `json:"events_per_second"`
	Setup     Histogram        `json:"setup_us"` // from dialling to the first byte of the stream that says it is open
	Delay     Histogram        `json:"delay_us"` // from the time inside the event to its arrival; empty when events carry no time
}

// Threshold is one condition of a run.
type Threshold struct {
	Condition string  `json:"condition"` // as typed: p99=5ms
	Value     float64 `json:"value"`     // in the condition's unit
	Limit     float64 `json:"limit"`
	Pass      bool    `json:"pass"`
}

// Step is one rate that --find-max tried.
type Step struct {
	Rate       float64     `json:"rate"`     // asked for, per second
	Achieved   float64     `json:"achieved"` // per second
	Thresholds []Threshold `json:"thresholds"`
	Held       bool        `json:"held"`
}

// Compare is a paired comparison.
type Compare struct {
	Method    string    `json:"method"` // in a sentence
	Instances int       `json:"instances"`
	Rounds    int       `json:"rounds"`
	Subjects  []Subject `json:"subjects"`
	Missing   []Missing `json:"missing,omitempty"`
	Rows      []Row     `json:"rows"`
}

// Subject is one server that was measured.
type Subject struct {
	Name     string   `json:"name"`
	Version  string   `json:"version,omitempty"`
	Micros   Interval `json:"cpu_us_per_request"`
	PSSBytes int64    `json:"pss_bytes,omitempty"` // of the process tree, median over the instances
	Syscalls float64  `json:"syscalls_per_request,omitempty"`
}

// Missing is a peer that could not be measured here.
type Missing struct {
	Name    string `json:"name"`
	Install string `json:"install"` // the line that installs it
	Why     string `json:"why"`
}

// Interval is a median with its 95 % bootstrap confidence interval and the extremes seen.
type Interval struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`  // of the interval
	High   float64 `json:"high"` // of the interval
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	N      int     `json:"n"`
}

// Row is one row of the targets.
type Row struct {
	Row    string   `json:"row"` // number in the plan of record, "7 hit"
	What   string   `json:"what"`
	Unit   string   `json:"unit"` // "ratio", "MiB", "bytes/request", …
	Value  Interval `json:"value"`
	Gate   float64  `json:"gate"`            // the value must not exceed it
	Shown  bool     `json:"shown,omitempty"` // there is no gate, and Gate is not one of 0
	Aim    float64  `json:"aim"`
	Pass   bool     `json:"pass"`
	Unsure bool     `json:"unsure,omitempty"` // with Pass false: neither held nor missed, what was measured cannot tell
	Remark string   `json:"remark,omitempty"`
}

// Judged reports whether there is a gate; one of 0 asks for a value of 0. In a file from before Shown was written, a row with a gate of 0 that passes with
// another value has none.
func (r *Row) Judged() bool { return !r.Shown && (r.Gate != 0 || !r.Pass || r.Value.Median == 0) }

// Missed reports whether the gate was missed for sure.
func (r *Row) Missed() bool { return !r.Pass && !r.Unsure }

// Table is a table with at most one plot: the first column is x, the columns named in Plot are y. A cell that was not measured is NaN.
type Table struct {
	Name    string      `json:"name"` // short, unique in the file: growth-connections
	Title   string      `json:"title"`
	Text    string      `json:"text,omitempty"` // what it shows, and the bound of the structure
	Columns []Column    `json:"columns"`
	Rows    [][]float64 `json:"rows"`
	Labels  []string    `json:"labels,omitempty"` // of the rows, when x is no number
	Plot    *Plot       `json:"plot,omitempty"`
	Gates   []Row       `json:"gates,omitempty"`
}

// Column of a table.
type Column struct {
	Name string `json:"name"`
	Unit string `json:"unit,omitempty"`
}

// Plot of a table.
type Plot struct {
	X    int   `json:"x"`
	Y    []int `json:"y"`
	LogX bool  `json:"log_x,omitempty"`
	LogY bool  `json:"log_y,omitempty"`
}
