package broker

import (
	"fmt"
	"net"
	"strconv"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// CostEvents is the topic of the cost events.
const CostEvents = "finops.cost.events"

// Broker is a running broker.
type Broker struct{ cluster *kfake.Cluster }

// Start listens on a free port of 127.0.0.1 and creates every topic of the contract. Topics that are not in it are not created by producing.
func Start() (*Broker, error) { return Listen("127.0.0.1:0") }

// Listen is Start on a given address; port 0 takes a free one.
func Listen(address string) (*Broker, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return nil, fmt.Errorf("broker: port of %s: %w", address, err)
	}
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.MaxVersions(topicsByName()),
		kfake.ListenFn(func(network, _ string) (net.Listener, error) {
			return net.Listen(network, net.JoinHostPort(host, port))
		}),
		kfake.SeedTopics(6, CostEvents, "aiops.signals"),
		kfake.SeedTopics(3, "finops.business.events", "finops.resource.events", "finops.cost.aggregations"),
		kfake.SeedTopics(1, "finops.cost.anomalies", "finops.roi.calculations", "finops.optimization.recommendations",
			"aiops.incidents", "aiops.actions", "weir.loss", "weir.schema.usage"),
	)
	if err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	return &Broker{cluster}, nil
}

// topicsByName are the versions of Kafka's protocol whose records come with their topics' names. From version 13 of a produce request on (KIP-516) they come
// with identifiers, which a broker that was started again does not know; and kfake (of September 2026) panics when a request has records of two such topics.
func topicsByName() *kversion.Versions {
	v := kversion.Stable()
	v.SetMaxKeyVersion(kmsg.Produce.Int16(), 12)
	return v
}

// Addresses returns host:port of the broker.
func (b *Broker) Addresses() []string { return b.cluster.ListenAddrs() }

// Close ends the broker and every connection to it.
func (b *Broker) Close() { b.cluster.Close() }
