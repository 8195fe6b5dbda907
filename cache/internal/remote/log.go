package remote

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/journal"
)

// Log is the fleet's log of invalidations: a Stream, and beside it the name of its generation. It implements journal.Source.
type Log struct {
	link       *Link
	stream     string
	generation string
	keep       int // records, about
}

// NewLog returns the log under a namespace. Both keys share a slot of a cluster.
func NewLog(l *Link, namespace string, keep int) *Log {
	return &Log{link: l, stream: "{" + namespace + "}:inv", generation: "{" + namespace + "}:gen", keep: keep}
}

// sync reads a page. A log whose generation is not the one its name says (no name, another server, another run of the server: what
// was acknowledged may be gone), or that ends before the position asked for, begins a new generation with a record that names
// everything.
//
// KEYS: stream, generation. ARGV: from ms, from seq, limit, retention ms, a fresh epoch.
// Returns: epoch, head, time ms, first id of the page's range or "", records.
var syncScript = rueidis.NewLuaScript(`
local function less(a, b, c, d) return a < c or (a == c and b < d) end
local function parts(id) local ms, seq = string.match(id, '(%d+)-(%d+)'); return tonumber(ms), tonumber(seq) end
local from_ms, from_seq = tonumber(ARGV[1]), tonumber(ARGV[2])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or 'unknown'
local named = redis.call('GET', KEYS[2]) or ''
local epoch, of = string.match(named, '^(%d+) (%w+)$')
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local behind = true
if #last > 0 then
  local ms, seq = parts(last[1][1])
  behind = less(ms, seq, from_ms, from_seq)
end
if not epoch or of ~= run or behind then
  epoch = ARGV[5]
  redis.call('SET', KEYS[2], epoch .. ' ' .. run)
  redis.call('XADD', KEYS[1], '*', 'a', '1')
  last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
end
local start = ARGV[1] .. '-' .. ARGV[2]
if from_ms == 0 and from_seq == 0 then
  local old = redis.call('XREVRANGE', KEYS[1], string.format('%d', math.max(0, now - tonumber(ARGV[4]))), '-', 'COUNT', 1)
  start = '-'
  if #old > 0 then start = old[1][1] end
end
local page = redis.call('XRANGE', KEYS[1], start, '+', 'COUNT', tonumber(ARGV[3]))
return {epoch, last[1][1], string.format('%d', now), page}
`)

// Sync implements journal.Source.
func (l *Log) Sync(ctx context.Context, from entry.Position, limit int, retention time.Duration) (journal.Page, error) {
	c := l.link.get()
	if c == nil {
		return journal.Page{}, journal.ErrUnavailable
	}
	fresh := rand.Uint64N(1<<53-1) + 1
	r := syncScript.Exec(ctx, c, []string{l.stream, l.generation}, []string{
		strconv.FormatUint(from.MS, 10), strconv.FormatUint(from.Seq, 10), strconv.Itoa(limit),
		strconv.FormatInt(retention.Milliseconds(), 10), strconv.FormatUint(fresh, 10),
	})
	parts, err := r.ToArray()
	if err != nil {
		return journal.Page{}, fmt.Errorf("reading the invalidation log: %w", err)
	}
	if len(parts) != 4 {
		return journal.Page{}, fmt.Errorf("reading the invalidation log: %d parts", len(parts))
	}
	return readPage(parts, from)
}

func readPage(parts []rueidis.RedisMessage, from entry.Position) (p journal.Page, err error) {
	bad := func(what string) (journal.Page, error) {
		return journal.Page{}, fmt.Errorf("reading the invalidation log: bad %s", what)
	}
	text := func(i int) string { s, _ := parts[i].ToString(); return s }
	if p.Epoch, err = strconv.ParseUint(text(0), 10, 64); err != nil || p.Epoch == 0 {
		return bad("epoch")
	}
	var ok bool
	if p.Head, ok = entry.ParsePosition(text(1)); !ok {
		return bad("head")
	}
	if p.TimeMS, err = strconv.ParseUint(text(2), 10, 64); err != nil {
		return bad("time")
	}
	records, err := parts[3].AsXRangeSlices()
	if err != nil {
		return p, fmt.Errorf("reading the invalidation log: %w", err)
	}
	for _, r := range records {
		pos, ok := entry.ParsePosition(r.ID)
		if !ok {
			return bad("id")
		}
		fields := make([]string, 0, 2*len(r.FieldValues))
		for _, f := range r.FieldValues {
			fields = append(fields, f.Field, f.Value)
		}
		p.Records = append(p.Records, journal.ParseFields(pos, fields))
	}
	// The record read last must still be there, else what followed it may be gone too.
	p.Whole = from.IsZero() || len(p.Records) > 0 && p.Records[0].Position == from
	return p, nil
}

// Append implements journal.Source.
func (l *Log) Append(ctx context.Context, rs []journal.Record) ([]entry.Position, error) {
	c := l.link.get()
	if c == nil {
		return nil, journal.ErrUnavailable
	}
	cmds := make(rueidis.Commands, len(rs))
	for i := range rs {
		fields := rs[i].AppendFields(nil)
		add := c.B().Xadd().Key(l.stream).Maxlen().Almost().Threshold(strconv.Itoa(l.keep)).Id("*").FieldValue()
		for j := 0; j < len(fields); j += 2 {
			add = add.FieldValue(fields[j], fields[j+1])
		}
		cmds[i] = add.Build()
	}
	var list []entry.Position
	for _, r := range c.DoMulti(ctx, cmds...) {
		id, err := r.ToString()
		if err != nil {
			return list, fmt.Errorf("appending to the invalidation log: %w", err)
		}
		pos, ok := entry.ParsePosition(id)
		if !ok {
			return list, fmt.Errorf("appending to the invalidation log: bad id %q", id)
		}
		list = append(list, pos)
	}
	return list, nil
}

// Await implements journal.Source.
func (l *Log) Await(ctx context.Context, after entry.Position, d time.Duration) error {
	c := l.link.get()
	if c == nil {
		return journal.ErrUnavailable
	}
	call, cancel := context.WithTimeout(ctx, d+time.Second)
	defer cancel()
	cmd := c.B().Xread().Count(1).Block(max(1, d.Milliseconds())).Streams().Key(l.stream).Id(after.String()).Build()
	err := c.Do(call, cmd).Error()
	if rueidis.IsRedisNil(err) {
		return nil
	}
	return err
}
