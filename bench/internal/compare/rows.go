package compare

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weirproxy/weir/bench/internal/peer"
)

// shape is what load a piece sends.
type shape int

const (
	popular   shape = iota // closed loop, 1,000 keys by popularity
	unseen                 // closed loop, every key for the first time
	paced                  // open loop, openRate a second, with the server's processor kept awake
	pacedIdle              // the same, and the processor may halt between two requests
)

// pacedPieces is how many pieces' time a paced piece takes: the connections opened at its begin must be fewer than the slowest hundredth of its requests.
const pacedPieces = 2

// turns is how often a round measures the servers of a chunk, one after another. The slowest hundredth of two seconds moves by a factor of two with whatever
// else the machine does, on either side of the ratio, and only many pairs make a median of that. Pairs of a miss move too, for a reason
// that is not known: single ones were between 0.93 and 1.74.
func (s shape) turns() int {
	switch s {
	case unseen:
		return 4
	case paced, pacedIdle:
		return 3
	}
	return 1
}

// figure is what of a piece is compared.
type figure int

const (
	micros figure = iota // processor time per request
	median               // latency
	tail                 // latency, 99th percentile
)

// pair is one ratio: what is measured of a server by the same of a reference.
type pair struct {
	row, what string
	top       string // name of the target above the line
	by        string // below it
	shape     shape
	figure    figure
	byTop     bool    // top is measured once for several references, not the other way round
	gate, aim float64 // 0 and 0: shown, not judged
	remark    string
}

// Built-in targets that rows name.
const (
	constSmall = "const"
	constLarge = "const-16k"
	constUnix  = "const-unix"
	minproxy   = "minproxy"
	tcpRelay   = "tcp-relay"
	hitSmall   = "weir-hit"
	hitKafka   = "weir-hit-kafka"
	hitPaced   = "weir-hit-kafka-paced" // see its file
	hitLarge   = "weir-hit-16k"
	hitUnix    = "weir-hit-unix"
	relay      = "weir-relay"
	missSmall  = "weir-miss"
	missRedis  = "weir-miss-redis"
	hitHeap    = "weir-hit-heap"
	kafkaHeap  = "weir-hit-kafka-heap"
	relayHeap  = "weir-relay-heap"
)

// heapTarget is a server whose allocations are counted.
type heapTarget struct {
	name, row, what string
	gate            float64 // bytes per request; 0: none
}

// heaps are the servers of row 7. Without a gate are those whose sender allocates for each record by the client library's design.
var heaps = []heapTarget{{hitHeap, "hit", "hit", fewBytes}, {kafkaHeap, "kafka", "hit with Kafka", 0}, {relayHeap, "relay", "relay", fewBytes}}

const (
	keptAwake = "with Kafka, whose broker gives way to the load generator; from the moment a request was due; the processor of the server is kept awake"
	mayHalt   = "waking a processor that halted is the machine's time; the monitor of Go's runtime keeps it awake more under one server than under another"
)

const noBroker = "events are priced, scored and counted; without a broker they are not encoded, which row 2 includes with the sender"

// pairs of the targets of reference, in order. Peers are added by addPeers.
var pairs = []pair{
	{row: "1", what: "hit ÷ const, 1 KiB", top: hitSmall, by: constSmall, gate: 1.30, aim: 1.18, remark: noBroker},
	{row: "2", what: "hit, one Kafka record each ÷ const, 1 KiB", top: hitKafka, by: constSmall, gate: 1.50, aim: 1.30, remark: "events are encoded, queued, compressed and sent"},
	{row: "3", what: "hit ÷ const, 16 KiB", top: hitLarge, by: constLarge, gate: 1.25, aim: 1.12, remark: noBroker},
	{row: "5", what: "relay ÷ minproxy, 1 KiB", top: relay, by: minproxy, gate: 1.25, aim: 1.00},
	{row: "5 floor", what: "plain TCP relay ÷ minproxy, 1 KiB", top: tcpRelay, by: minproxy, remark: "reads no request: the floor"},
	{row: "6", what: "miss filling L1 ÷ minproxy", top: missSmall, by: minproxy, shape: unseen, gate: 1.30, aim: 1.15, remark: "every key for the first time"},
	{row: "6 redis", what: "miss filling L1 and Redis ÷ minproxy", top: missRedis, by: minproxy, shape: unseen, gate: 1.90, aim: 1.55, remark: "Redis' own processor time is not counted"},
	{row: "8 p50", what: "hit ÷ const, 4,000/s open loop, p50", top: hitPaced, by: constSmall, shape: paced, figure: median, gate: 1.15, aim: 1.05, remark: keptAwake},
	{row: "8 p99", what: "hit ÷ const, 4,000/s open loop, p99", top: hitPaced, by: constSmall, shape: paced, figure: tail, gate: 1.30, aim: 1.15, remark: keptAwake},
	{row: "8 cpu", what: "hit ÷ const, 4,000/s open loop, processor time", top: hitPaced, by: constSmall, shape: paced},
	{row: "8 idle p50", what: "the same, p50 where the processor may halt", top: hitPaced, by: constSmall, shape: pacedIdle, figure: median, remark: mayHalt},
	{row: "8 idle p99", what: "the same, p99 where the processor may halt", top: hitPaced, by: constSmall, shape: pacedIdle, figure: tail, remark: mayHalt},
	{row: "8 idle cpu", what: "the same, processor time where it may halt", top: hitPaced, by: constSmall, shape: pacedIdle},
	{row: "9", what: "hit over a Unix socket ÷ const over TCP", top: hitUnix, by: constSmall, gate: 0.85, aim: 0.75, remark: noBroker},
	{row: "9 const", what: "const over a Unix socket ÷ const over TCP", top: constUnix, by: constSmall},
}

// judgedPeers are the gates of row 4.
var judgedPeers = map[string]struct{ gate, aim float64 }{
	"nginx-cache":  {0.80, 0.70},
	"varnish":      {0.40, 0.33},
	"hive-gateway": {0.04, 0.033},
}

// addPeers adds a row for each server of others: row 4 for those that cache, row 5 for those that pass on.
func addPeers(base []pair, targets []*peer.Target) []pair {
	out := slices.Clone(base)
	for _, t := range targets {
		if !t.Peer {
			continue
		}
		switch t.Role {
		case peer.Hit:
			g := judgedPeers[t.Name]
			out = append(out, pair{
				row: "4 " + t.Name, what: "hit with Kafka ÷ " + t.Title, top: hitKafka, by: t.Name, byTop: true, gate: g.gate, aim: g.aim,
			})
		case peer.Pass:
			out = append(out, pair{row: "5 " + t.Name, what: t.Title + " ÷ minproxy, 1 KiB", top: t.Name, by: minproxy})
		}
	}
	slices.SortStableFunc(out, func(a, b pair) int { return strings.Compare(number(a.row), number(b.row)) })
	return out
}

// number of a row: "4" of "4 varnish".
func number(row string) string { n, _, _ := strings.Cut(row, " "); return n }

// wanted are all rows there are: those of pairs, and the two that are no ratio.
var numbers = []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"}

// checkRows refuses what is no row.
func checkRows(rows []string) error {
	for _, r := range rows {
		if !slices.Contains(numbers, r) {
			return fmt.Errorf("compare: %q is no row; there are rows %s", r, strings.Join(numbers, ", "))
		}
	}
	return nil
}

// chunk is a reference and the servers that are measured around it, by the same load.
type chunk struct {
	shape   shape
	anchor  string
	members []string
}

// chunkMembers bounds how far in time a server may be from its reference.
const chunkMembers = 3

// chunks groups pairs: those with the same reference and load share its pieces, so many at a time.
func chunks(list []pair) []*chunk {
	var out []*chunk
	for _, p := range list {
		anchor, member := p.by, p.top
		if p.byTop {
			anchor, member = p.top, p.by
		}
		same := func(c *chunk) bool { return c.anchor == anchor && c.shape == p.shape }
		if slices.ContainsFunc(out, func(c *chunk) bool { return same(c) && slices.Contains(c.members, member) }) {
			continue
		}
		i := slices.IndexFunc(out, func(c *chunk) bool { return same(c) && len(c.members) < chunkMembers })
		if i < 0 {
			out = append(out, &chunk{shape: p.shape, anchor: anchor})
			i = len(out) - 1
		}
		out[i].members = append(out[i].members, member)
	}
	return out
}

// holds reports whether the chunk measures both sides of the pair.
func (c *chunk) holds(p *pair) bool {
	anchor, member := p.by, p.top
	if p.byTop {
		anchor, member = p.top, p.by
	}
	return c.shape == p.shape && c.anchor == anchor && slices.Contains(c.members, member)
}
