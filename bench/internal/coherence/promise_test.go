package coherence

import (
	"testing"
	"time"

	"github.com/weirproxy/weir/bench/internal/acked"
	"github.com/weirproxy/weir/bench/internal/load"
)

func TestPromise(t *testing.T) {
	t0 := time.Unix(1_800_000_000, 0)
	at := func(d time.Duration) time.Time { return t0.Add(d) }
	all := []bool{true, true, true}
	for _, c := range []struct {
		name     string
		outages  []outage
		target   int // 0 acknowledged
		sent     time.Duration
		bound    bool
		excepted bool
	}{
		{"before it was acknowledged", nil, 0, -1, false, false},
		{"the one that acknowledged, at once", nil, 0, 0, true, false},
		{"another one, within the grace", nil, 1, Grace - 1, false, false},
		{"another one, after it", nil, 1, Grace, true, false},
		{"the one that acknowledged, in an outage", []outage{{from: t0, cut: all}}, 0, 0, true, false},
		{"another one, in an outage", []outage{{from: t0, cut: all}}, 1, 5 * time.Second, false, true},
		{"an outage that began before the mutation", []outage{{from: at(-time.Minute), cut: all}}, 1, 5 * time.Second, false, true},
		{"an outage that began within the grace", []outage{{from: at(Grace / 2), cut: all}}, 1, 5 * time.Second, false, true},
		{"an outage that came later", []outage{{from: at(2 * Grace), cut: all}}, 1, time.Second, true, false},
		{"an outage that was over", []outage{{from: at(-time.Minute), to: at(-1), cut: all}}, 1, Grace, true, false},
		{"within the grace after an outage", []outage{{from: t0, to: at(time.Second), cut: all}}, 1, time.Second + Grace - 1, false, true},
		{"after an outage", []outage{{from: t0, to: at(time.Second), cut: all}}, 1, time.Second + Grace, true, false},
		{"longer cut off than anybody may answer", []outage{{from: t0, cut: all}}, 1, CutOff, true, false},
		{"others are cut off", []outage{{from: t0, cut: []bool{false, false, true}}}, 1, Grace, true, false},
		{"who asks is cut off", []outage{{from: t0, cut: []bool{false, false, true}}}, 2, time.Second, false, true},
		{"who acknowledged is cut off: others cannot know", []outage{{from: t0, cut: []bool{true, false, false}}}, 1, CutOff + time.Second, false, true},
	} {
		p := newPromise()
		p.outages = c.outages
		p.acks.Add([]byte("1"), acked.Ack{Version: 7, At: t0, Logged: true})
		need, _, excused := p.required(c.target, []byte("1"), at(c.sent))
		if (need == 7) != c.bound || (excused == 7) != c.excepted {
			t.Errorf("%s: need %d, excused %d", c.name, need, excused)
		}
		if need, _, _ := p.required(c.target, []byte("2"), at(time.Hour)); need != 0 {
			t.Errorf("%s: another entity needs %d", c.name, need)
		}
	}
}

func TestOldAcknowledgementsStay(t *testing.T) {
	p, t0 := newPromise(), time.Unix(1_800_000_000, 0)
	p.acks.Add([]byte("1"), acked.Ack{Version: 7, At: t0, Logged: true})
	p.acks.Add([]byte("1"), acked.Ack{Version: 8, At: t0.Add(2 * memory), Logged: true})
	if need, _, _ := p.required(1, []byte("1"), t0.Add(2*memory)); need != 7 {
		t.Errorf("need %d", need)
	}
}

func TestJudge(t *testing.T) {
	s := newSource([]string{"1"}, 2)
	seen := &scene{name: "test"}
	s.scene.Store(seen)
	str := s.Stream(1, 0).(*stream)
	now := time.Now()
	judge := func(op, user int, status int, body string, sent time.Time) string {
		str.slots = []asked{{op: op, user: user, scene: seen}}
		failure, again := str.Judge(&load.Reply{Target: 0, Status: status, CacheStatus: []byte("weir; hit"), Body: []byte(body), Sent: sent, Done: sent}, 0)
		if again {
			t.Fatal("asks again")
		}
		return failure
	}
	city := `{"data":{"city":{"id":"1","revision":3}}}`
	for _, c := range []struct {
		name, failure        string
		op, user, status     int
		body                 string
		late                 time.Duration
		stale, foreign, hits int64
	}{
		{"a read", "", opCity, 0, 200, city, 0, 0, 0, 1},
		{"a status", "status 502", opCity, 0, 502, city, 0, 0, 0, 1},
		{"an error", "GraphQL errors", opCity, 0, 200, `{"data":{"city":null},"errors":[{}]}`, 0, 0, 0, 1},
		{"no answer", "GraphQL errors", opCity, 0, 200, `{}`, 0, 0, 0, 1},
		{"a change", "", opChange, 0, 200, `{"data":{"setPopulation":{"id":"1","revision":4}}}`, 0, 0, 0, 1},
		{"what was before it", "", opCity, 0, 200, city, -time.Second, 0, 0, 2},
		{"stale", "", opCity, 0, 200, city, time.Second, 1, 0, 3},
		{"not stale", "", opCity, 0, 200, `{"data":{"city":{"id":"1","revision":4}}}`, time.Second, 1, 0, 4},
		{"the own name", "", opViewer, 1, 200, `{"data":{"viewer":{"name":"` + s.users[1] + `"}}}`, time.Second, 1, 0, 5},
		{"another's", "", opViewer, 0, 200, `{"data":{"viewer":{"name":"` + s.users[1] + `"}}}`, time.Second, 1, 1, 6},
	} {
		if got := judge(c.op, c.user, c.status, c.body, now.Add(c.late)); got != c.failure {
			t.Errorf("%s: %q", c.name, got)
		}
		if seen.stale.Load() != c.stale || seen.foreign.Load() != c.foreign || seen.hits.Load() != c.hits {
			t.Errorf("%s: %d stale, %d of another, %d hits", c.name, seen.stale.Load(), seen.foreign.Load(), seen.hits.Load())
		}
	}
}

// An answer that says that the log does not have the change yet binds the sidecar that gave it at once, and others later.
func TestAcknowledgementsThatTheLogLacks(t *testing.T) {
	p, t0 := newPromise(), time.Unix(1_800_000_000, 0)
	p.acks.Add([]byte("1"), acked.Ack{Version: 7, At: t0, Logged: false})
	for _, c := range []struct {
		target        int
		sent          time.Duration
		need, excused int64
	}{
		{0, 0, 7, 0},
		{1, Grace - 1, 0, 0},
		{1, Grace + 1, 0, 7},
		{1, CutOff - 1, 0, 7},
		{1, CutOff, 7, 0},
	} {
		if need, _, excused := p.required(c.target, []byte("1"), t0.Add(c.sent)); need != c.need || excused != c.excused {
			t.Errorf("%+v: need %d, excused %d", c, need, excused)
		}
	}
}
