package compare

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/weirproxy/weir/bench/internal/heapprofile"
	"github.com/weirproxy/weir/bench/internal/peer"
	"github.com/weirproxy/weir/bench/internal/result"
)

// known makes a run of 5 instances whose ratio of the first pair is 1.1 to 1.5 by instance, with one wild round in each.
func known() *run {
	r := &run{
		cfg: Config{Instances: 5, Rounds: 3, Piece: time.Second}, pairs: slices.Clone(pairs[:1]), samples: map[sampleKey][][]piece{}, heap: map[string]heapUse{},
		pss: map[string][]int64{hitKafka: {50 << 20, 30 << 20, 20 << 20}}, syscalls: map[string]float64{hitSmall: 2},
		targets: map[string]*peer.Target{hitSmall: {Title: "hit"}, constSmall: {Title: "const"}, hitKafka: {}, hitHeap: {}, relayHeap: {}},
		found:   map[string]*peer.Found{hitSmall: {Version: "1"}, constSmall: {}},
	}
	r.chunks = chunks(r.pairs)
	for i := range 5 {
		ratio := 1.1 + 0.1*float64(i)
		r.samples[sampleKey{r.chunks[0], constSmall}] = append(r.samples[sampleKey{r.chunks[0], constSmall}], []piece{{micros: 10}, {micros: 20}, {micros: 10}})
		r.samples[sampleKey{r.chunks[0], hitSmall}] = append(r.samples[sampleKey{r.chunks[0], hitSmall}],
			[]piece{{micros: 10 * ratio}, {micros: 20 * ratio}, {micros: 100}})
	}
	return r
}

func TestRatiosAreMediansOverInstances(t *testing.T) {
	r := known()
	c := r.evaluate()
	row := c.Rows[0]
	if math.Abs(row.Value.Median-1.3) > 1e-9 || row.Value.N != 5 || row.Value.Low < 1.1-1e-9 || row.Value.High > 1.5+1e-9 || row.Value.Low >= 1.3 || row.Value.High <= 1.3 {
		t.Errorf("%+v", row.Value)
	}
	if row.Pass = judged(row).Pass; !row.Pass {
		row.Value.Median -= 1e-9 // 1.3 is the gate; the sum of tenths may lie above it
		if !judged(row).Pass {
			t.Errorf("%+v", row)
		}
	}
	row.Value.Median = 1.31
	if judged(row).Pass {
		t.Errorf("%+v passes", row)
	}
	row.Gate = 0
	if row = judged(row); !row.Pass || row.Judged() {
		t.Errorf("%+v has no gate", row)
	}
	if zero := judged(result.Row{}); zero.Judged() {
		t.Errorf("%+v has no gate, and its value of 0 is no reason to count one", zero)
	}
	memory := c.Rows[len(c.Rows)-1]
	if memory.Row != "10" || memory.Value.Median != 30 || !memory.Pass {
		t.Errorf("%+v", memory)
	}
	if len(c.Subjects) != 2 || c.Subjects[0].Name != "hit" || c.Subjects[0].Version != "1" || c.Subjects[0].Syscalls != 2 || c.Subjects[1].Micros.Median != 10 {
		t.Errorf("%+v", c.Subjects)
	}
	row.Gate = 1.3 // missed by less than a hundredth
	row = judged(row)
	both := &result.Compare{Rows: []result.Row{{Pass: true}, row}}
	if len(Missed(both, 0)) != 1 || len(Missed(both, 0.01)) != 0 {
		t.Errorf("%+v", Missed(both, 0))
	}
}

func TestWarnings(t *testing.T) {
	r := known()
	r.foreign = 0.3
	codes := func() (list []string) {
		for _, w := range r.warnings() {
			list = append(list, w.Code)
		}
		return list
	}
	if got := codes(); !slices.Equal(got, []string{result.WarnNoisy, result.WarnNoisy}) {
		t.Errorf("%v: other programs, and a wide row", got)
	}
	r.foreign, r.cfg.Instances = 0, 4
	for key, list := range r.samples {
		r.samples[key] = list[:4]
	}
	paced := &chunk{shape: paced}
	r.samples[sampleKey{paced, "x"}] = [][]piece{{{busy: 0.2}, {busy: 0.95}}}
	if got := codes(); !slices.Contains(got, result.WarnShort) || !slices.Contains(got, result.WarnGenerator) {
		t.Errorf("%v: few instances, and a busy generator", got)
	}
}

func TestChunksKeepReferencesNear(t *testing.T) {
	list := addPeers(pairs, []*peer.Target{
		{Name: "a", Title: "A", Peer: true, Role: peer.Hit}, {Name: "varnish", Title: "V", Peer: true, Role: peer.Hit}, {Name: "p", Title: "P", Peer: true, Role: peer.Pass},
	})
	rows := map[string]pair{}
	for _, p := range list {
		rows[p.row] = p
	}
	if rows["4 a"].gate != 0 || rows["4 varnish"].gate != 0.40 || rows["4 varnish"].by != "varnish" || rows["5 p"].top != "p" || rows["5 p"].by != minproxy {
		t.Errorf("%+v", rows)
	}
	all := chunks(list)
	for i := range list {
		n := 0
		for _, c := range all {
			if c.holds(&list[i]) {
				n++
			}
			if len(c.members) > chunkMembers {
				t.Errorf("%+v", c)
			}
		}
		if n != 1 {
			t.Errorf("row %s is measured in %d chunks", list[i].row, n)
		}
	}
	if order := slices.IsSortedFunc(list, func(a, b pair) int {
		return slices.Index(numbers, number(a.row)) - slices.Index(numbers, number(b.row))
	}); !order {
		t.Error("rows are not in order")
	}
}

// TestPacedLoadHasAnIdleBroker: at full speed a broker of idle priority would starve, and at a rate one of normal priority keeps the load generator waiting.
func TestPacedLoadHasAnIdleBroker(t *testing.T) {
	list, err := Targets(nil)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*peer.Target{}
	for _, one := range list {
		all[one.Name] = one
	}
	for _, p := range pairs {
		open := p.shape == paced || p.shape == pacedIdle
		if one := all[p.top]; one.Kafka && one.IdleBroker != open || open && !one.Kafka {
			t.Errorf("row %s: Kafka %t, of idle priority %t", p.row, one.Kafka, one.IdleBroker)
		}
	}
}

func TestGrownSitesAreNamed(t *testing.T) {
	site := func(bytes, objects int64) map[string]heapprofile.Site {
		const where = "serve.(*conn).connect"
		return map[string]heapprofile.Site{where: {Where: where, Bytes: bytes, Objects: objects}}
	}
	use := heapUse{sites: grown(site(76, 2), site(576, 12))}
	if got := use.text(); got != "serve.(*conn).connect 500 B in 10 objects" {
		t.Errorf("%q", got)
	}
	if len(grown(site(576, 12), site(576, 12))) != 0 {
		t.Error("what did not grow is named")
	}
}

const summary = `% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.000600           1      5000           write
 40.00    0.000400           1      5100       100 read
  0.00    0.000000           0         3           epoll_pwait
------ ----------- ----------- --------- --------- ----------------
100.00    0.001000           1     10103       100 total
`

func TestStraceSummary(t *testing.T) {
	if n, err := parseSummary(summary); err != nil || n != 10103 {
		t.Errorf("%d %v", n, err)
	}
	for _, bad := range []string{"", "strace: attach: ptrace(PTRACE_SEIZE, 1): Operation not permitted\n"} {
		if _, err := parseSummary(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestBusyTime(t *testing.T) {
	d, err := busyTime([]byte("cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 100 0 50 1000 7 1 2 3 90 0\ncpu1 1 0 0 1 0 0 0 0 0 0\ncpu2 500 0 0 0 0 0 0 0 0 0\n"))
	if err != nil || d != 1570*time.Millisecond {
		t.Errorf("%s %v", d, err)
	}
	if _, err := busyTime([]byte("cpu0 x\n")); err == nil {
		t.Error("x was taken for a number")
	}
}
