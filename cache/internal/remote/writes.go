package remote

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/weirproxy/weir/cache/internal/entry"
)

// pipeline is the memory of one pipeline of writes: names, values and numbers side by side in text, to which the commands refer.
type pipeline struct {
	text   []byte
	cmds   rueidis.Commands
	owners []int // by command, of turns
	turns  []turn
	leased []string
}

const (
	keptText   = 1 << 20  // bytes that are kept from one pipeline for the next
	largeValue = 16 << 10 // bytes
)

// reset forgets what the last pipeline was made of.
func (p *pipeline) reset() {
	if cap(p.text) > keptText {
		p.text = nil
	}
	clear(p.turns)
	p.text, p.cmds, p.owners, p.turns, p.leased = p.text[:0], p.cmds[:0], p.owners[:0], p.turns[:0], p.leased[:0]
}

// since returns the text from start on as a string without a copy.
func (p *pipeline) since(start int) string { return rueidis.BinaryString(p.text[start:]) }

func (v *Values) write(ctx context.Context, batch []*entry.Slot) {
	c := v.link.get()
	if c == nil {
		v.drop(batch)
		return
	}
	defer v.release(batch)
	p := &v.pipe
	p.reset()
	now := v.cfg.Now()
	for _, s := range batch {
		if !v.add(p, c, s, now) {
			v.Dropped.Add(1)
		}
	}
	if len(p.cmds) == 0 {
		return
	}
	call, cancel := context.WithTimeout(ctx, v.cfg.WriteBudget)
	defer cancel()
	results := c.DoMulti(call, p.cmds...)
	ended := v.cfg.Now()
	v.WriteTimes.observe(ended - now)
	failed := false
	for i, r := range results {
		if err := r.Error(); err != nil {
			failed = true
			v.link.trouble.note("writing values", err)
			p.turns[p.owners[i]].failed = true
			v.Dropped.Add(1)
			continue
		}
		v.Writes.Add(1)
	}
	for i := range p.turns {
		if t := &p.turns[i]; t.allowed {
			t.part.breaker.tell(!t.failed, ended)
		}
	}
	if len(p.leased) > 0 {
		v.endLeases(call, c, p.leased)
	}
	if failed { // the client may read the commands for longer than the call took
		*p = pipeline{}
	}
}

// add adds the command that writes a slot; false when it is not worth it, or its part is not asked.
func (v *Values) add(p *pipeline, c rueidis.Client, s *entry.Slot, now int64) bool {
	ms := (s.Hard - now) / int64(time.Millisecond)
	if ms <= 0 || !v.cfg.Valid(s) {
		return false
	}
	start := len(p.text)
	p.text = v.appendName(p.text, &s.Digest)
	name := p.since(start)
	owner := turnOf(&p.turns, v.part(name), now)
	if !p.turns[owner].allowed {
		return false
	}
	value := v.value(p, s)
	start = len(p.text)
	p.text = strconv.AppendInt(p.text, ms, 10)
	p.cmds = append(p.cmds, v.link.command(c, "SET", name, value, "PX", p.since(start)))
	p.owners = append(p.owners, owner)
	if s.Leased() {
		p.leased = append(p.leased, strings.Clone(name))
	}
	return true
}

// value writes a slot's value. A large one gets memory of its own, so that no pipeline has to move what it holds to make room for it.
func (v *Values) value(p *pipeline, s *entry.Slot) string {
	codec := v.link.cfg.Codec
	if n := codec.Size(s); n > largeValue {
		return rueidis.BinaryString(codec.Append(make([]byte, 0, n), s))
	}
	start := len(p.text)
	p.text = codec.Append(p.text, s)
	return p.since(start)
}

// turn is what one pipeline has to do with a part: its breaker is asked once, and told once.
type turn struct {
	part            *part
	allowed, failed bool
}

func turnOf(turns *[]turn, p *part, now int64) int {
	for i := range *turns {
		if (*turns)[i].part == p {
			return i
		}
	}
	*turns = append(*turns, turn{part: p, allowed: p.breaker.allow(now)})
	return len(*turns) - 1
}
