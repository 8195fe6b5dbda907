package proxy

import (
	"testing"

	"github.com/weirproxy/weir/proxy/internal/config"
)

// The payload of connection_init goes on to a subgraph that asks for it, and clients with different ones do not share a subscription; without the setting
// nothing of it leaves, and they do.
func TestThePayloadOfConnectionInitGoesOnToASubgraph(t *testing.T) {
	n := newNewsroom(t, func(f *config.File) {
		f.Supergraph.Subgraphs = map[string]config.Subgraph{"a": {Events: config.Events{Init: "client"}}}
	})
	const one, two = `{"token":"1"}`, `{"token":"2"}`
	ask := func(init string) *speaker {
		c := n.talk(init)
		c.subscribe("1", sold)
		return c
	}
	first := ask(one)
	up := n.arrive()
	other := ask(two)
	upOther := n.arrive()
	if up.init != one || upOther.init != two {
		t.Errorf("%s and %s reached the subgraph", up.init, upOther.init)
	}
	same := ask(`{ "token" : "1" }`) // but for spaces
	eventually(t, "three subscriptions", func() bool { return n.metric("weir_subscriptions") == 3 })
	if got := n.metric("weir_subscription_upstreams"); got != 2 {
		t.Errorf("%v subscriptions to the subgraph, want one for each payload", got)
	}
	up.next(sale)
	first.expect(next("1", saleAnswer))
	same.expect(next("1", saleAnswer))
	upOther.next(`{"data":{"sold":{"__typename":"Product","id":"8"}}}`)
	other.expect(next("1", `{"data":{"sold":{"id":"8","name":"Weir"}}}`)) // nothing of the first user's has come
	n.subscribe(sold)
	if up := n.arrive(); up.init != "" {
		t.Errorf("a client without a payload: %s", up.init)
	}
}

func TestThePayloadOfConnectionInitStaysHere(t *testing.T) {
	n := newNewsroom(t, nil)
	first, second := n.talk(`{"token":"1"}`), n.talk(`{"token":"2"}`)
	first.subscribe("1", sold)
	second.subscribe("1", sold)
	eventually(t, "two subscriptions", func() bool { return n.metric("weir_subscriptions") == 2 })
	if up, got := n.arrive(), n.metric("weir_subscription_upstreams"); up.init != "" || got != 1 {
		t.Errorf("%q over %v upstreams", up.init, got)
	}
}
