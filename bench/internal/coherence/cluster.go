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
	"github.com/weirproxy/weir/bench/internal/lapse"
)

const slots = 16384

// cluster is a fleet on a three-node Redis Cluster, while the slot of the log moves from node to node. That is no outage: all terms hold.
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
		if err := g.scene(ctx, "Cluster of three, all is well", out, func(ctx context.Context) error { return lapse.Wait(ctx, cfg.Calm/2) }); err != nil {
			return err
		}
		for _, s := range []struct {
			name string
			rest time.Duration // between the steps of a move
		}{
			{"Cluster, the log's slot moves", 0},
			{"Cluster, the slot stays half moved", cfg.Calm / 4},
		} {
			if err := g.scene(ctx, s.name, out, func(ctx context.Context) error {
				for i := range nodes { // it ends where it began
					if err := p.moveSlot(ctx, nodes, streamKey, s.rest); err != nil {
						return fmt.Errorf("move %d: %w", i+1, err)
					}
					if err := lapse.Wait(ctx, cfg.Calm/4); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				return err
			}
		}
		return g.together(ctx, nil)
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

// move is the migration of a slot, step by step.
type move struct {
	slot            string
	from, to, third *server
	fromID, toID    string
	toHost, toPort  string
}

// moveSlot migrates the slot of a key to the next node, as redis-cli --cluster reshard does, key by key with a rest after each step.
func (p *play) moveSlot(ctx context.Context, nodes []*server, key string, rest time.Duration) error {
	m, err := planMove(nodes, key)
	if err != nil {
		return err
	}
	if err := m.begin(); err != nil {
		return err
	}
	for more := true; more; {
		if err := lapse.Wait(ctx, rest); err != nil {
			return err
		}
		if more, err = m.key(); err != nil {
			return err
		}
	}
	return m.end()
}

// planMove finds who has the slot of a key that exists.
func planMove(nodes []*server, key string) (m move, err error) {
	answer, err := nodes[0].do("CLUSTER", "KEYSLOT", key)
	if err != nil {
		return m, err
	}
	m.slot = answer[0]
	var ids []string
	owner := -1
	for i, n := range nodes {
		id, err := n.do("CLUSTER", "MYID")
		if err != nil {
			return m, err
		}
		ids = append(ids, id[0])
		if _, err := n.do("GET", key); err == nil || strings.Contains(err.Error(), "WRONGTYPE") { // else MOVED
			owner = i
		}
	}
	if owner < 0 {
		return m, fmt.Errorf("no node has slot %s", m.slot)
	}
	to := (owner + 1) % len(nodes)
	m.from, m.to, m.third, m.fromID, m.toID = nodes[owner], nodes[to], nodes[(owner+2)%len(nodes)], ids[owner], ids[to]
	m.toHost, m.toPort, err = net.SplitHostPort(m.to.address)
	return m, err
}

func (m *move) begin() error {
	if _, err := m.to.do("CLUSTER", "SETSLOT", m.slot, "IMPORTING", m.fromID); err != nil {
		return err
	}
	_, err := m.from.do("CLUSTER", "SETSLOT", m.slot, "MIGRATING", m.toID)
	return err
}

// key moves one and reports whether there was one.
func (m *move) key() (more bool, err error) {
	keys, err := m.from.do("CLUSTER", "GETKEYSINSLOT", m.slot, "1")
	if err != nil || len(keys) == 0 {
		return false, err
	}
	_, err = m.from.do("MIGRATE", m.toHost, m.toPort, keys[0], "0", "5000")
	return err == nil, err
}

func (m *move) end() error {
	for _, n := range []*server{m.to, m.from, m.third} {
		if _, err := n.do("CLUSTER", "SETSLOT", m.slot, "NODE", m.toID); err != nil {
			return err
		}
	}
	return nil
}
