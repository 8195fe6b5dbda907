package coherence

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/weirproxy/weir/bench/internal/fleet"
)

const slots = 16384

// cluster is a fleet on a three-node Redis Cluster, while the slot of the log moves from node to node.
func cluster(ctx context.Context, cfg *Config, dir string, out *Outcome) (err error) {
	g, err := newStage(cfg, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.stop()) }()
	nodes, err := g.clusterNodes(ctx)
	if err != nil {
		return err
	}
	var addresses []string
	for _, n := range nodes {
		addresses = append(addresses, n.address)
	}
	for i := range cfg.Sidecars {
		if err := g.sidecar(ctx, i, strings.Join(addresses, ",")); err != nil {
			return err
		}
	}
	if err := g.together(ctx, nil); err != nil {
		return err
	}
	p := &play{stage: g}
	return g.loaded(ctx, out, func(ctx context.Context) error {
		if err := g.scene(ctx, "Cluster of three, all is well", out, func(ctx context.Context) error { return p.wait(ctx, cfg.Calm/2) }); err != nil {
			return err
		}
		return g.scene(ctx, "Cluster, the log's slot moves", out, func(ctx context.Context) error {
			for i := range nodes {
				if err := p.without(ctx, nil, false, func() error { return moveSlot(nodes, streamKey) }); err != nil {
					return fmt.Errorf("move %d: %w", i+1, err)
				}
			}
			return nil
		})
	})
}

// clusterNodes starts three masters that share all slots.
func (g *stage) clusterNodes(ctx context.Context) (nodes []*server, err error) {
	var buses []string
	for range 3 {
		bus, err := fleet.FreeAddress()
		if err != nil {
			return nil, err
		}
		_, busPort, err := net.SplitHostPort(bus)
		if err != nil {
			return nil, err
		}
		n, err := g.redis(ctx, "", "--cluster-enabled", "yes", "--cluster-port", busPort, "--cluster-config-file", fmt.Sprintf("nodes-%d.conf", g.servers), "--cluster-node-timeout", "5000")
		if err != nil {
			return nil, err
		}
		nodes, buses = append(nodes, n), append(buses, busPort)
	}
	for i, n := range nodes {
		if _, err := n.do("CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(i*slots/3), strconv.Itoa((i+1)*slots/3-1)); err != nil {
			return nil, err
		}
		if _, err := n.do("CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1)); err != nil {
			return nil, err
		}
	}
	meet := func() error {
		for _, n := range nodes {
			for i, other := range nodes {
				host, port, err := net.SplitHostPort(other.address)
				if err != nil {
					return err
				}
				if _, err := n.do("CLUSTER", "MEET", host, port, buses[i]); err != nil {
					return err
				}
			}
		}
		return nil
	}
	next := time.Now()
	return nodes, until(ctx, "the cluster is whole", backTime, func() (bool, error) {
		if time.Now().After(next) { // a busy machine misses some of it
			next = next.Add(5 * time.Second)
			if err := meet(); err != nil {
				return false, err
			}
		}
		for _, n := range nodes {
			info, err := n.do("CLUSTER", "INFO")
			if err != nil {
				return false, err
			}
			if text := strings.Join(info, "\n"); !strings.Contains(text, "cluster_state:ok") || !strings.Contains(text, "cluster_known_nodes:3") {
				return false, errors.New(text)
			}
		}
		return true, nil
	})
}

// moveSlot migrates the slot of a key to the next node, as redis-cli --cluster reshard does.
func moveSlot(nodes []*server, key string) error {
	answer, err := nodes[0].do("CLUSTER", "KEYSLOT", key)
	if err != nil {
		return err
	}
	slot := answer[0]
	var ids []string
	owner := -1
	for i, n := range nodes {
		id, err := n.do("CLUSTER", "MYID")
		if err != nil {
			return err
		}
		ids = append(ids, id[0])
		if _, err := n.do("GET", key); err == nil || strings.Contains(err.Error(), "WRONGTYPE") { // else MOVED
			owner = i
		}
	}
	if owner < 0 {
		return fmt.Errorf("no node has slot %s", slot)
	}
	from, to := nodes[owner], nodes[(owner+1)%len(nodes)]
	toID := ids[(owner+1)%len(nodes)]
	if _, err := to.do("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[owner]); err != nil {
		return err
	}
	if _, err := from.do("CLUSTER", "SETSLOT", slot, "MIGRATING", toID); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(to.address)
	if err != nil {
		return err
	}
	for {
		keys, err := from.do("CLUSTER", "GETKEYSINSLOT", slot, "100")
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			break
		}
		if _, err := from.do(append([]string{"MIGRATE", host, port, "", "0", "5000", "KEYS"}, keys...)...); err != nil {
			return err
		}
	}
	for _, n := range []*server{to, from, nodes[(owner+2)%len(nodes)]} {
		if _, err := n.do("CLUSTER", "SETSLOT", slot, "NODE", toID); err != nil {
			return err
		}
	}
	return nil
}
