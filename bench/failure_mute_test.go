package bench

import (
	"net"
	"sync"
)

// mute accepts connections and never says a word: a server that hangs, or a firewall that swallows.
func (w *world) mute() string {
	w.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.Fatal(err)
	}
	var open []net.Conn
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open = append(open, c)
		}
	})
	w.Cleanup(func() {
		l.Close()
		accepting.Wait()
		for _, c := range open {
			c.Close()
		}
	})
	return l.Addr().String()
}

// allMute: Redis, Kafka and the control plane take connections and never answer, from the start on. Traffic flows, the metrics say it, and the end comes in time.
func allMute(w *world) {
	redis, kafka, control := w.mute(), w.mute(), w.mute()
	s := w.sidecar("a", "--redis", redis, "--kafka", kafka, "--control", "http://"+control, "--token", token)
	traffic := w.traffic(0.02, s)
	w.untilMetric(s, 0, "weir_redis_connected")
	w.untilMetric(s, 0, "weir_control_connected")
	w.untilMetric(s, 0, "weir_kafka_connected")
	s.change(w.cities[0], 4711)
	if got, _ := s.population(w.cities[0]); got != 4711 {
		w.Errorf("%d after an acknowledged change", got)
	}
	traffic.flows()
	traffic.end()
	if err := w.end(s.Process, s.Stop); err != nil {
		w.Errorf("%v\n%s", err, s.Tail())
	}
	w.logs(s, 1, "redis cannot be reached")
	w.logs(s, 1, "kafka takes no events")
}
