package broker

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kfake"
)

// CostEvents is the topic of the cost events.
const CostEvents = "finops.cost.events"

// Broker is a running broker.
type Broker struct{ cluster *kfake.Cluster }

// Start listens on a free port of 127.0.0.1 and creates every topic of the contract. Topics that are not in it are not created by producing.
func Start() (*Broker, error) {
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.SeedTopics(6, CostEvents, "aiops.signals"),
		kfake.SeedTopics(3, "finops.business.events", "finops.resource.events", "finops.cost.aggregations"),
		kfake.SeedTopics(1, "finops.cost.anomalies", "finops.roi.calculations", "finops.optimization.recommendations",
			"aiops.incidents", "aiops.actions", "weir.loss"),
	)
	if err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	return &Broker{cluster}, nil
}

// Addresses returns host:port of the broker.
func (b *Broker) Addresses() []string { return b.cluster.ListenAddrs() }

// Close ends the broker and every connection to it.
func (b *Broker) Close() { b.cluster.Close() }
