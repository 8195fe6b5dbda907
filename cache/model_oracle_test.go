package cache

import (
	"encoding/binary"
	"fmt"
	"math"
	"path"
	"strings"
	"time"
)

// modelKey is a cache key of the model and the tags of its answer.
type modelKey struct {
	name string
	tags names
	key  *Key
}

var modelKeys = func() (list []modelKey) {
	for _, k := range []struct {
		name string
		tags names
	}{
		{"one", names{"a", "ab"}},
		{"two", names{"b"}},
		{"three", names{"a", "b", "list"}},
		{"long", names{"abc", "x", "list"}},
		{"many", names{"m1", "m2", "m3", "m4", "m5", "ab"}},
		{"none", nil},
	} {
		list = append(list, modelKey{k.name, k.tags, keyOf(k.name)})
	}
	return list
}()

// privateKey is the key that is private in worlds that say so.
const privateKey = 2

// modelInvalidations is what may be declared invalid; floods names more tags than a small table holds.
var modelInvalidations = []Invalidation{
	{Tags: []string{"a"}},
	{Tags: []string{"ab"}},
	{Tags: []string{"abc"}},
	{Tags: []string{"b"}},
	{Tags: []string{"list"}},
	{Tags: []string{"unknown"}},
	{Tags: []string{"a", "b"}},
	{Tags: []string{"m5", "list", "x"}},
	{Prefixes: []string{"a"}},
	{Prefixes: []string{"ab"}},
	{Prefixes: []string{"l"}},
	{Prefixes: []string{"u", "m"}},
	{Prefixes: []string{""}},
	{Patterns: []string{"*st"}},
	{Patterns: []string{"a*c", "m?"}},
	{Patterns: []string{"a**"}},
	{All: true},
	{}, // a flood
}

// told is one invalidation that a process was asked for.
type told struct {
	tick   int   // step
	when   int64 // true time
	inv    Invalidation
	by     *modelProcess
	number uint64 // of its record
	logged bool
	server *modelServer // whose log it came into, or was carried over to
	at     int64        // true time it came into a log
	backs  []int64      // by how much each process's clock had been set back
	ahead  int64        // by how much clocks had been set forward
}

func (x *told) String() string {
	return fmt.Sprintf("%+v declared at %s in step %d", x.inv, x.by.name, x.tick)
}

func (x *told) names(tags names) bool {
	for _, tag := range tags {
		for _, n := range x.inv.Tags {
			if n == tag {
				return true
			}
		}
		for _, n := range x.inv.Prefixes {
			if strings.HasPrefix(tag, n) {
				return true
			}
		}
		for _, n := range x.inv.Patterns {
			if ok, _ := path.Match(strings.ReplaceAll(n, "?", `\?`), tag); ok { // only * is special
				return true
			}
		}
	}
	return x.inv.All
}

// witness is all that the oracle knows of one run of a process: by key, the latest hard and soft invalidation that it must obey.
type witness struct {
	hard, soft [8]*told
	since      [8]int64     // true time at which soft came to bind it
	server     *modelServer // whose log was read last
	read       int          // of server.logged
	told       int          // of world.logged, when it was read
	now        int64        // true time, of a moment
}

// moment is what binds the process now.
func (p *modelProcess) moment() witness {
	v := p.seen
	v.now = p.w.now
	return v
}

func later(x, y *told) *told {
	if x == nil || y != nil && y.tick > x.tick {
		return y
	}
	return x
}

// obey holds the process to an invalidation from now on.
func (p *modelProcess) obey(x *told) {
	v := &p.seen
	for i := range modelKeys {
		switch {
		case !x.names(modelKeys[i].tags):
		case !x.inv.Soft:
			v.hard[i] = later(v.hard[i], x)
		default:
			at := p.w.now
			if x.logged && p.w.redis == 0 { // however late the log is read, it says when
				at = min(at, x.at)
			}
			v.soft[i], v.since[i] = later(v.soft[i], x), max(v.since[i], at)
		}
	}
}

// hasRead holds the process to what was in the log that it has read. Who comes to another server must give up all it had of before that one took over. What
// others put into the old one since then it cannot know there, until they carry it over; what it put there itself it carries.
func (p *modelProcess) hasRead() {
	v, o := &p.seen, &p.port
	from := v.read
	if v.server != o.reads {
		*v = witness{}
		from = 0
		for _, x := range p.w.logged[:o.reads.born] {
			p.obey(x)
		}
		for _, x := range p.asked {
			if !x.logged || x.recent(p.w) {
				p.obey(x)
			}
		}
	}
	for _, x := range o.reads.logged[from:o.read] {
		p.obey(x)
	}
	v.server, v.read, v.told = o.reads, o.read, o.told
}

// recent reports whether its author still carries it over when it comes to another server.
func (x *told) recent(w *modelWorld) bool {
	return w.now-x.at < int64(modelCarry) && x.ahead == w.ahead
}

// hasLogged notes that the log has all that the process was asked for up to a number: records keep their order, and one that stands for several has the
// number of the last of them.
func (p *modelProcess) hasLogged(number uint64) {
	p.w.repeated = p.w.repeated || p.arrived > 0 && p.asked[p.arrived-1].number >= number
	for ; p.arrived < len(p.asked) && p.asked[p.arrived].number <= number; p.arrived++ {
		x := p.asked[p.arrived]
		x.logged, x.at, x.ahead, x.server = true, p.w.now, p.w.ahead, p.port.server
		for _, q := range p.w.processes {
			x.backs = append(x.backs, q.back)
		}
		p.w.logged = append(p.w.logged, x)
		x.server.logged = append(x.server.logged, x)
	}
}

// carries notes what the process has carried over to the log that it reads now: what it had put into another one lately, for others may have left that one
// before. All that waited is in the log.
func (p *modelProcess) carries() {
	s := p.port.server
	if p.seen.server != s {
		return
	}
	for _, x := range p.asked[:p.arrived] {
		if x.server != s && x.recent(p.w) {
			x.server = s
			s.logged = append(s.logged, x)
		}
	}
}

// answer is the body of the model's answers: when and for which key the origin was read, and whether by a replica that lagged.
func answer(f *modelFill, completed int64) []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(f.tick))
	b = append(binary.BigEndian.AppendUint64(b, uint64(completed)), byte(f.key), 0)
	if f.old != nil {
		b[17] = 1
	}
	return b
}

// vague reports whether invalidations may count again, or for others, later: of several soft ones that concern what nobody has looked at in between,
// a process knows the last.
func (w *modelWorld) vague() bool {
	merged := w.merged
	for _, p := range w.processes {
		merged = merged || p.store.Stats().QueueMerges > 0
	}
	return merged || w.few || w.repeated || w.runs > 0
}

// softSlack is how exactly a process knows when it was told.
const softSlack = 50 * time.Millisecond

// served is the oracle: it fails the world when a process gives an answer that it may not give to a caller that came when so much was known to it.
//
// A process must obey what it was asked for itself, and what was in the log when it last read it, in whichever server that was. What it could not read binds
// it when it has been without the log for so long that the bounded life of a disconnected process has ended.
func (p *modelProcess) served(known *witness, key int, e *Entry, state State) {
	if e == nil || state == Miss {
		return
	}
	w, tick := p.w, int(binary.BigEndian.Uint64(e.Body))
	completed := int64(binary.BigEndian.Uint64(e.Body[8:]))
	w.counts.served[state]++
	if int(e.Body[16]) != key {
		w.fail("%s answers %s with what belongs to %s", p.name, modelKeys[key].name, modelKeys[e.Body[16]].name)
	}
	if x := known.hard[key]; x != nil && tick < x.tick {
		w.fail("%s answers %s (%v) with what the origin said in step %d, though it must obey %s", p.name, modelKeys[key].name, state, tick, x)
	}
	if x := known.soft[key]; x != nil && tick < x.tick && (state == Fresh || e.Private) {
		w.fail("%s answers %s (%v) with what the origin said in step %d, though it must obey the soft %s", p.name, modelKeys[key].name, state, tick, x)
	} else if x != nil && tick < x.tick {
		// What clocks were set by may be added: they are compared with each other. So may a fetch that is longer than an entry can say.
		since := max(known.since[key], completed-int64(math.MaxUint32*time.Microsecond))
		if late := known.now - since - int64(modelStale+softSlack) - p.back - w.ahead; late > 0 && !w.vague() {
			w.fail("%s answers %s with what the origin said in step %d: %v longer than it may after the soft %s", p.name, modelKeys[key].name, tick,
				time.Duration(late), x)
		}
	}
	if late := known.now - completed - int64(modelHold+softSlack) - p.back - w.ahead; e.Body[17] != 0 && state == Fresh && late > 0 {
		w.fail("%s answers %s with what a replica said that lagged, %v longer than the hold-off", p.name, modelKeys[key].name, time.Duration(late))
	}
	const bound = int64(modelLost+modelLostTTL) + maxSkew
	for _, x := range w.logged[known.told:] {
		if x.inv.Soft || tick >= x.tick || !x.names(modelKeys[key].tags) {
			continue
		}
		if late := known.now - max(x.at, completed) - bound - (p.back - x.backs[p.number]); late > 0 {
			w.fail("%s, cut off, answers %s (%v) with what the origin said in step %d: %v longer than it may, after %s", p.name, modelKeys[key].name, state,
				tick, time.Duration(late), x)
		}
	}
}
