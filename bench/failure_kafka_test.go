package bench

import (
	"fmt"

	"github.com/weirproxy/weir/bench/internal/broker"
)

// accounted waits until no event is under way, and then compares: each one was acknowledged or counted as dropped.
func (w *world) accounted(s *sidecar) {
	w.Helper()
	w.until("events are accounted for", func() error {
		emitted, acked, dropped := s.metric("weir_events_emitted_total"), s.metric("weir_events_acked_total"), s.metric("weir_events_dropped_total")
		if emitted == 0 || emitted != acked+dropped {
			return fmt.Errorf("%v emitted, %v acknowledged, %v dropped, %v waiting\n%s", emitted, acked, dropped, s.metric("weir_events_waiting"), s.Tail())
		}
		return nil
	})
}

// acknowledges waits for acknowledgements beyond those that there were.
func (w *world) acknowledges(s *sidecar) {
	w.Helper()
	before := s.metric("weir_events_acked_total")
	w.until("events are acknowledged", func() error {
		if n := s.metric("weir_events_acked_total"); n <= before {
			return fmt.Errorf("%v, before %v\n%s", n, before, s.Tail())
		}
		return nil
	})
}

func kafkaComesAndGoes(w *world) {
	address := w.free()
	s := w.sidecar("a", "--kafka", address)
	traffic := w.traffic(0.02, s)
	w.untilMetric(s, 0, "weir_kafka_connected")
	traffic.flows()
	absent := s.logged(`"level":"warn"`, "afka")
	if absent != 1 {
		w.Errorf("%d log lines about kafka\n%s", absent, s.Tail())
	}
	for i := range 2 { // arriving for the first time, and again after it died
		b, err := broker.Listen(address)
		if err != nil {
			w.Fatal(err)
		}
		w.untilMetric(s, 1, "weir_kafka_connected")
		w.acknowledges(s)
		traffic.flows()
		if n := s.metric("weir_events_dropped_total"); i == 0 && n > 0 {
			w.Errorf("%v events were dropped while kafka was absent: they have room to wait", n)
		}
		b.Close()
		w.untilMetric(s, 0, "weir_kafka_connected")
		traffic.flows()
	}
	b, err := broker.Listen(address)
	if err != nil {
		w.Fatal(err)
	}
	defer b.Close()
	w.untilMetric(s, 1, "weir_kafka_connected")
	traffic.end()
	w.accounted(s)
	w.Logf("%v events acknowledged, %v dropped", s.metric("weir_events_acked_total"), s.metric("weir_events_dropped_total"))
	if err := w.end(s.Process, s.Stop); err != nil { // while the broker is there: the last events leave at once
		w.Errorf("%v\n%s", err, s.Tail())
	}
}
