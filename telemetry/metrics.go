package telemetry

import (
	"io"
	"regexp"
	"sort"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"
)

// bounds are the upper bounds of the latency histograms, seconds.
var bounds = [...]float64{
	50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 2e-3, 5e-3, 10e-3, 20e-3, 50e-3, 100e-3, 200e-3, 500e-3, 1, 2, 5, 10,
}

type histogram struct {
	buckets [len(bounds) + 1]atomic.Uint64
	sum     atomic.Int64 // ns
}

func (h *histogram) observe(ns int64) {
	s := float64(ns) / float64(time.Second)
	i := 0
	for i < len(bounds) && s > bounds[i] {
		i++
	}
	h.buckets[i].Add(1)
	h.sum.Add(ns)
}

// Registry is where other rooms say what /metrics shows of them. Register before the first WriteText.
type Registry struct {
	t        *Telemetry
	registry *prometheus.Registry
	pulls    []func(Set)
}

// Set gives one sample to a pull: name with its unit, help, labels in pairs of name and value.
type Set struct{ ch chan<- prometheus.Metric }

// Counter gives a value that only grows.
func (s Set) Counter(name, help string, v float64, labels ...string) {
	s.put(prometheus.CounterValue, name, help, v, labels)
}

// Gauge gives a value of now.
func (s Set) Gauge(name, help string, v float64, labels ...string) {
	s.put(prometheus.GaugeValue, name, help, v, labels)
}

// Histogram gives a histogram: upTo[i] observations were up to bounds[i], the last value of upTo is of all. Without values it gives none.
func (s Set) Histogram(name, help string, bounds []time.Duration, upTo []uint64, sum time.Duration, labels ...string) {
	if len(upTo) != len(bounds)+1 {
		return
	}
	var names, values []string
	for i := 0; i+1 < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, labels[i+1])
	}
	counts := make(map[float64]uint64, len(bounds))
	for i, b := range bounds {
		counts[b.Seconds()] = upTo[i]
	}
	s.ch <- prometheus.MustNewConstHistogram(prometheus.NewDesc(name, help, names, nil), upTo[len(bounds)], sum.Seconds(), counts, values...)
}

func (s Set) put(kind prometheus.ValueType, name, help string, v float64, labels []string) {
	var names, values []string
	for i := 0; i+1 < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, labels[i+1])
	}
	s.ch <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, names, nil), kind, v, values...)
}

func newRegistry(t *Telemetry) *Registry {
	// Beside memory statistics: garbage collections, what the last one found live, and how the process's time divides.
	runtimeFacts := collectors.GoRuntimeMetricsRule{Matcher: regexp.MustCompile(`^/(gc/cycles/|gc/heap/live:|cpu/classes/)`)}
	r := &Registry{t: t, registry: prometheus.NewRegistry()}
	r.registry.MustRegister(
		collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(runtimeFacts)),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collector{r},
	)
	return r
}

// Pull registers a function that gives samples whenever metrics are read.
func (r *Registry) Pull(f func(Set)) { r.pulls = append(r.pulls, f) }

// WriteText writes all metrics in the Prometheus text format.
func (r *Registry) WriteText(w io.Writer) error {
	families, problem := r.registry.Gather()
	for _, f := range families { // one bad sample must not hide all others
		if _, err := expfmt.MetricFamilyToText(w, f); err != nil {
			return err
		}
	}
	if problem != nil {
		r.t.cfg.Logger.Warn("some metrics cannot be shown", "error", problem)
	}
	return nil
}

// collector gives the samples of a registry to prometheus.
type collector struct{ r *Registry }

// Describe implements prometheus.Collector: metrics are not known before they are read.
func (collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	set := Set{ch}
	c.r.t.collect(set)
	for _, pull := range c.r.pulls {
		pull(set)
	}
}

func (t *Telemetry) collect(s Set) {
	now := time.Now().UnixNano()
	all := append([]*Series{t.other}, mapValues(t.series.load())...)
	sort.SliceStable(all, func(i, j int) bool { return all[i].operation < all[j].operation })
	byName := map[string]*total{}
	var names []string
	for _, series := range all {
		sum := byName[series.operation]
		if sum == nil {
			sum = &total{}
			byName[series.operation] = sum
			names = append(names, series.operation)
		}
		sum.add(series, now)
	}
	for _, name := range names {
		byName[name].collect(s, name)
	}
	s.Gauge("weir_upstream_anomaly_score", "Anomaly score of the upstream, 0 to 1; 0.8 is an alarm.", float64(t.upstream.Score(now)))
	for status := range cacheStatuses {
		t.latency[status].collect(s, status.String())
	}
	st := t.Stats()
	s.Counter("weir_events_emitted_total", "Cost events, one for each operation.", float64(st.Emitted))
	s.Counter("weir_events_queued_total", "Cost events that were taken in for sending.", float64(st.Queued))
	s.Counter("weir_events_discarded_total", "Cost events that nobody asked for: no Kafka is configured.", float64(st.Discarded))
	s.Counter("weir_events_acked_total", "Cost events that Kafka acknowledged.", float64(st.Acked))
	for _, reason := range lossNames {
		s.Counter("weir_events_dropped_total", "Cost events that were lost; also told on the topic weir.loss.", float64(st.Dropped[reason]), "reason", reason)
	}
	s.Counter("weir_schema_usage_events_total", "Events of fields that clients used.", float64(t.counters.usage.Load()))
	s.Counter("weir_schema_usage_lost_total", "Of these, lost: Kafka could not take them.", float64(t.counters.usageLost.Load()))
	s.Gauge("weir_events_waiting", "Cost events in the ring.", float64(st.RingDepth))
	s.Gauge("weir_kafka_connected", "1 when the last contact with Kafka went well.", boolean(st.Connected))
	s.Gauge("weir_cpu_us_per_operation", "CPU of the sidecar that an operation takes, microseconds.", float64(st.CPUPerOp))
}

// total adds up the series of one name: documents that differ and share an operation name.
type total struct {
	requests    [cacheStatuses]uint64
	errors      uint64
	cost, saved int64
	score       float32
	kind        uint32
}

func (t *total) add(s *Series, now int64) {
	for i := range s.requests {
		t.requests[i] += s.requests[i].Load()
	}
	t.errors += s.errors.Load()
	t.cost += s.cost.Load()
	t.saved += s.saved.Load()
	t.score = max(t.score, s.Score(now))
	t.kind = max(t.kind, s.kind.Load())
}

func (t *total) collect(s Set, operation string) {
	kind := kindNames[min(int(t.kind), len(kindNames)-1)]
	for status := range cacheStatuses {
		if n := t.requests[status]; n > 0 {
			s.Counter("weir_operations_total", "GraphQL operations.", float64(n), "operation", operation, "kind", kind, "cache_status", status.String())
		}
	}
	s.Counter("weir_operation_errors_total", "GraphQL operations with errors.", float64(t.errors), "operation", operation)
	s.Counter("weir_cost_usd_total", "Cost of the operations, USD.", float64(t.cost)/picoPerUSD, "operation", operation)
	s.Counter("weir_saved_usd_total", "What hits spared, USD; an estimate that is not part of cost.", float64(t.saved)/picoPerUSD, "operation", operation)
	s.Gauge("weir_anomaly_score", "Anomaly score, 0 to 1; 0.8 is an alarm.", float64(t.score), "operation", operation)
}

func (h *histogram) collect(s Set, status string) {
	counts := make(map[float64]uint64, len(bounds))
	n := uint64(0)
	for i, b := range bounds {
		n += h.buckets[i].Load()
		counts[b] = n
	}
	n += h.buckets[len(bounds)].Load()
	if n == 0 {
		return
	}
	desc := prometheus.NewDesc("weir_operation_seconds", "Time from the request's head to the end of its answer.", []string{"cache_status"}, nil)
	s.ch <- prometheus.MustNewConstHistogram(desc, n, float64(h.sum.Load())/float64(time.Second), counts, status)
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func mapValues[K comparable, V any](m map[K]V) []V {
	list := make([]V, 0, len(m))
	for _, v := range m {
		list = append(list, v)
	}
	return list
}
