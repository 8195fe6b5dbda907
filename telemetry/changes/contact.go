package changes

import (
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// OnBrokerConnect implements kgo.HookBrokerConnect: one log line when the state changes.
func (r *Reader) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	switch {
	case err != nil && r.failing.CompareAndSwap(false, true):
		r.cfg.Logger.Warn("kafka cannot be reached; changes of other systems are obeyed when it is back", "brokers", r.cfg.Brokers, "error", err)
	case err == nil && r.failing.CompareAndSwap(true, false):
		r.cfg.Logger.Info("kafka can be reached again", "brokers", r.cfg.Brokers)
	}
}
