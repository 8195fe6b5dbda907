package proxy

import (
	"crypto/tls"
	"log/slog"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/config"
	"github.com/weirproxy/weir/proxy/internal/feed"
	"github.com/weirproxy/weir/proxy/internal/line"
	"github.com/weirproxy/weir/proxy/internal/socket"
	"github.com/weirproxy/weir/telemetry"
)

// targetOf returns where a subgraph is subscribed to.
func targetOf(sub planner.Subgraph, v *config.SubgraphValues) (t feed.Target, err error) {
	t = feed.Target{URL: v.Events.Address(sub.URL), Stream: v.Events.Stream, Init: v.Events.Init, Beat: v.Events.Beat}
	t.TLS, err = secureOf(sub, v)
	return t, err
}

// secureOf returns what a subgraph's certificate is looked at by; nil: the system's authorities.
func secureOf(sub planner.Subgraph, v *config.SubgraphValues) (*tls.Config, error) {
	if v.CA == "" {
		return nil, nil
	}
	pool, err := authorities("supergraph.subgraphs."+sub.Name+".ca", v.CA)
	if err != nil {
		return nil, err
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

// newHub returns the hub of subgraphs with names.
func newHub(s *config.Subscribing, names []string, targets []feed.Target, log *slog.Logger) *feed.Hub {
	return feed.New(feed.Config{Targets: targets, Queue: s.Queue, MaxFeeds: s.Max, MaxEvent: s.MaxEvent, Lost: func(target int, err error) {
		log.Warn("a subscription to a subgraph was lost; more of the kind are only counted for a minute", "subgraph", names[target], "url", targets[target].URL, "error", err)
	}})
}

func collectSockets(set telemetry.Set, st socket.Stats) {
	set.Gauge("weir_sockets", "WebSocket connections of clients that are open (graphql-transport-ws).", float64(st.Open))
	set.Counter("weir_sockets_total", "WebSocket connections of clients.", float64(st.Opened))
	set.Counter("weir_socket_operations_total", "Operations that were begun over them.", float64(st.Operations))
	set.Counter("weir_socket_operations_refused_total", "Operations that were refused, as too many were under way on their connection.", float64(st.Surplus))
	byLabel(set, "weir_socket_messages_total", "Messages over them.", "direction", map[string]uint64{"in": st.Received, "out": st.Sent})
	byLabel(set, "weir_sockets_lost_total", "Of these connections, those that were cut off: their client took no message within deadlines.write, or answered no ping.", "reason",
		map[string]uint64{"slow": st.Slow, "silent": st.Silent})
	byLabel(set, "weir_sockets_closed_total", "Ends of these connections, by close code; 1006: without one.", "code", st.Closed)
}

func collectSubscriptions(set telemetry.Set, st line.SubscriptionStats, hub feed.Stats) {
	set.Gauge("weir_subscriptions", "Subscriptions of clients that are open.", float64(st.Open))
	set.Gauge("weir_subscription_upstreams", "Subscriptions to subgraphs that are open; clients that ask the same share one.", float64(hub.Sources))
	set.Counter("weir_subscriptions_total", "Subscriptions that were begun.", float64(st.Begun))
	set.Counter("weir_subscription_events_total", "Events that clients got.", float64(st.Events))
	set.Counter("weir_subscription_slow_total", "Subscriptions that were dropped as their client was a whole queue behind, since the supergraph is in force.", float64(hub.Slow))
	byLabel(set, "weir_subscriptions_ended_total", "Subscriptions that ended, by reason.", "reason", st.Ended)
}
