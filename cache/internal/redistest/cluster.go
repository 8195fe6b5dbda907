package redistest

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Slots is how many slots a cluster has.
const Slots = 16384

// Cluster is a cluster of masters, each with an equal share of the slots.
type Cluster struct {
	Nodes []*Server
	t     testing.TB
	bus   []string
	ids   []string
}

// StartCluster starts a cluster and waits until all of its nodes call it whole. It ends with the test.
func StartCluster(t testing.TB, nodes int, args ...string) *Cluster {
	t.Helper()
	c := &Cluster{t: t}
	for i := range nodes {
		bus := freePort(t)
		s := Start(t, append([]string{
			"--cluster-enabled", "yes", "--cluster-port", bus, "--cluster-node-timeout", "1000", "--cluster-require-full-coverage", "no",
		}, args...)...)
		s.Must("CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(i*Slots/nodes), strconv.Itoa((i+1)*Slots/nodes-1))
		s.Must("CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
		c.Nodes, c.bus, c.ids = append(c.Nodes, s), append(c.bus, bus), append(c.ids, s.List("CLUSTER", "MYID")[0])
	}
	for i, s := range c.Nodes[1:] {
		c.Nodes[0].Must("CLUSTER", "MEET", "127.0.0.1", s.port, c.bus[i+1])
	}
	Until(t, "all nodes call the cluster whole", Patience, func() bool {
		for _, s := range c.Nodes {
			info := s.List("CLUSTER", "INFO")[0]
			if !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, "cluster_slots_ok:16384") {
				return false
			}
		}
		return true
	})
	return c
}

// Addresses lists the nodes.
func (c *Cluster) Addresses() []string {
	var list []string
	for _, s := range c.Nodes {
		list = append(list, s.Addr)
	}
	return list
}

// Slot returns the slot of a key and the node that holds it, by the share it began with.
func (c *Cluster) Slot(key string) (slot, node int) {
	c.t.Helper()
	slot, err := strconv.Atoi(strings.TrimPrefix(c.Nodes[0].Must("CLUSTER", "KEYSLOT", key), ":"))
	if err != nil {
		c.t.Fatal(err)
	}
	for node = range c.Nodes {
		if slot < (node+1)*Slots/len(c.Nodes) {
			break
		}
	}
	return slot, node
}

// BeginMove opens the migration of a slot: keys that are no longer in the old node are ASKed for in the new one.
func (c *Cluster) BeginMove(slot, from, to int) {
	c.t.Helper()
	c.Nodes[to].Must("CLUSTER", "SETSLOT", strconv.Itoa(slot), "IMPORTING", c.ids[from])
	c.Nodes[from].Must("CLUSTER", "SETSLOT", strconv.Itoa(slot), "MIGRATING", c.ids[to])
}

// MoveKeys moves the slot's keys and returns how many there were.
func (c *Cluster) MoveKeys(slot, from, to int) (moved int) {
	c.t.Helper()
	for {
		keys := slices.DeleteFunc(c.Nodes[from].List("CLUSTER", "GETKEYSINSLOT", strconv.Itoa(slot), "100"), func(k string) bool { return k == "" })
		if len(keys) == 0 {
			return moved
		}
		moved += len(keys)
		c.Nodes[from].Must(append([]string{"MIGRATE", "127.0.0.1", c.Nodes[to].port, "", "0", "5000", "KEYS"}, keys...)...)
	}
}

// MoveKey moves one key of a slot.
func (c *Cluster) MoveKey(key string, from, to int) {
	c.t.Helper()
	c.Nodes[from].Must("MIGRATE", "127.0.0.1", c.Nodes[to].port, key, "0", "5000")
}

// EndMove gives the slot to its new node.
func (c *Cluster) EndMove(slot, to int) {
	c.t.Helper()
	for _, i := range append([]int{to}, slices.DeleteFunc(c.indexes(), func(i int) bool { return i == to })...) {
		c.Nodes[i].Must("CLUSTER", "SETSLOT", strconv.Itoa(slot), "NODE", c.ids[to])
	}
}

func (c *Cluster) indexes() []int {
	list := make([]int, len(c.Nodes))
	for i := range list {
		list[i] = i
	}
	return list
}
