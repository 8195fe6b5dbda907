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
	"github.com/weirproxy/weir/cache/internal/roster"
)

// Log is the fleet's log of invalidations: a Stream, and beside it the places of those who read it. It implements journal.Source and
// roster.Source. Sync is for one goroutine.
//
// The Stream is all that is needed to read and append, and it names its generation itself, by a consumer group that nobody reads: "generation
// EPOCH RUN". So what is read and what it is read from cannot be apart, also while a slot of a cluster moves, which it does key by key. The
// places are a hash of their own; nothing depends on both being at one server.
type Log struct {
	link    *Link
	keep    int // records, about
	member  Member
	stream  string
	places  string
	block   time.Duration // longest wait for news at one server
	epoch   uint64        // of the page that Sync has returned last
	looked  time.Time
	Trouble *Trouble // the link's
}

// Member is what a reader of the log publishes of itself.
type Member struct {
	ID       string // unique to the process
	Instance string
	Bound    time.Duration // without contact for this long it trusts nothing it had
}

// longestBlock is how long a reader waits for news before it asks anew.
const longestBlock = time.Second

// clusterBlock is how long it waits at one node of a cluster: who waits there when the log moves to another node is not told of
// it before the slot is given away, and the fleet obeys within 200 ms all the same.
const clusterBlock = 100 * time.Millisecond

// NewLog returns the log under a namespace. Its keys share a slot of a cluster, so that one pipeline reaches both.
func NewLog(l *Link, namespace string, keep int, m Member) *Log {
	m.Instance = roster.Instance(m.Instance)
	log := &Log{
		link: l, keep: keep, member: m, Trouble: &l.trouble, stream: "{" + namespace + "}:inv", places: "{" + namespace + "}:fleet", block: longestBlock,
	}
	if l.cfg.cluster() {
		log.block = clusterBlock
	}
	return log
}

// sync reads a page. A log whose generation is not the one its name says (no name, another server, another run of the server: what was
// acknowledged may be gone), or that ends before the position asked for, begins a new generation with a record that names everything.
//
// KEYS: stream. ARGV: from ms, from seq, limit, retention ms, a fresh epoch, whether to look at the server's settings.
// Returns: epoch, head, time ms, records, settings.
var syncScript = newScript(`
local function less(a, b, c, d) return a < c or (a == c and b < d) end
local function parts(id) local ms, seq = string.match(id, '(%d+)-(%d+)'); return tonumber(ms), tonumber(seq) end
` + generationLua + `
local from_ms, from_seq = tonumber(ARGV[1]), tonumber(ARGV[2])
local behind = true
if #last > 0 then
  local ms, seq = parts(last[1][1])
  behind = less(ms, seq, from_ms, from_seq)
end
if not epoch or behind then
  epoch = ARGV[5]
  for _, name in ipairs(names) do redis.call('XGROUP', 'DESTROY', KEYS[1], name) end
  redis.call('XGROUP', 'CREATE', KEYS[1], 'generation ' .. epoch .. ' ' .. run, '$', 'MKSTREAM')
  redis.call('XADD', KEYS[1], '*', 'a', '1')
  last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
end
local settings = ''
if ARGV[6] == '1' then settings = redis.call('INFO', 'memory') end
local start = ARGV[1] .. '-' .. ARGV[2]
if from_ms == 0 and from_seq == 0 then
  local old = redis.call('XREVRANGE', KEYS[1], string.format('%d', math.max(0, tonumber(now) - tonumber(ARGV[4]))), '-', 'COUNT', 1)
  start = '-'
  if #old > 0 then start = old[1][1] end
end
local page = redis.call('XRANGE', KEYS[1], start, '+', 'COUNT', tonumber(ARGV[3]))
return {epoch, last[1][1], now, page, settings}
`)

// generationLua sets epoch to the log's generation, nil when it is not the one its name says, names to all names of generations, run to the
// server's run, last to the last record and now to the server's time in ms, as text.
const generationLua = nowLua + `
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or 'unknown'
local epoch, names = nil, {}
if redis.call('EXISTS', KEYS[1]) == 1 then
  for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
    for i = 1, #group, 2 do
      if group[i] == 'name' then
        local number, of = string.match(group[i + 1], '^generation (%d+) (%w+)$')
        if number then names[#names + 1] = group[i + 1] end
        if of == run then epoch = number end
      end
    end
  end
end
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
`

// nowLua sets now to the server's time in ms, as text.
const nowLua = `
local t = redis.call('TIME')
local now = string.format('%d', t[1] * 1000 + math.floor(t[2] / 1000))
`

const reading = "reading the invalidation log"

// settingsEvery is how often the server's settings are looked at: they can be changed while it runs.
const settingsEvery = time.Minute

// Sync implements journal.Source. In the same round trip it publishes how far the reader has come: an idle reader waits for nothing more.
func (l *Log) Sync(ctx context.Context, from entry.Position, limit int, retention time.Duration) (journal.Page, error) {
	c := l.link.reader.Load()
	if c == nil || ctx.Err() != nil {
		return journal.Page{}, journal.ErrUnavailable
	}
	fresh, look := rand.Uint64N(1<<53-1)+1, "0"
	if l.looked.IsZero() || time.Since(l.looked) > settingsEvery {
		look = "1"
	}
	results := runAll(context.WithoutCancel(ctx), c, run{syncScript, l.stream, []string{
		strconv.FormatUint(from.MS, 10), strconv.FormatUint(from.Seq, 10), strconv.Itoa(limit),
		strconv.FormatInt(retention.Milliseconds(), 10), strconv.FormatUint(fresh, 10), look,
	}}, l.place(from))
	parts, err := results[0].ToArray()
	if err != nil {
		l.Trouble.note(reading, err)
		return journal.Page{}, fmt.Errorf(reading+": %w", err)
	}
	if len(parts) != 5 {
		return journal.Page{}, fmt.Errorf(reading+": %d parts", len(parts))
	}
	p, err := l.readPage(parts, from)
	if err != nil {
		return p, err
	}
	p.Members = l.published(results[1])
	l.epoch = p.Epoch
	l.Trouble.over(reading)
	if look == "1" {
		l.looked = time.Now()
		settings, _ := parts[4].ToString()
		l.Trouble.settings(settings)
	}
	return p, nil
}

func (l *Log) readPage(parts []rueidis.RedisMessage, from entry.Position) (p journal.Page, err error) {
	bad := func(what string) (journal.Page, error) {
		return journal.Page{}, fmt.Errorf(reading+": bad %s", what)
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
		return p, fmt.Errorf(reading+": %w", err)
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
		fields, ok = l.link.cfg.Codec.OpenFields(fields)
		if !ok {
			l.link.Unreadable.Add(1)
		}
		p.Records = append(p.Records, journal.ParseFields(pos, fields)) // what could not be opened names everything
	}
	// The record read last must still be there, else what followed it may be gone too.
	p.Whole = from.IsZero() || len(p.Records) > 0 && p.Records[0].Position == from
	return p, nil
}

const appending = "appending to the invalidation log"

// Append implements journal.Source.
func (l *Log) Append(ctx context.Context, rs []journal.Record) ([]entry.Position, error) {
	c := l.link.get()
	if c == nil {
		return nil, journal.ErrUnavailable
	}
	cmds := make(rueidis.Commands, len(rs))
	for i := range rs {
		fields := l.link.cfg.Codec.SealFields(rs[i].AppendFields(nil))
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
			l.Trouble.note(appending, err)
			return list, fmt.Errorf("%s: %w", appending, err)
		}
		pos, ok := entry.ParsePosition(id)
		if !ok {
			return list, fmt.Errorf("%s: bad id %q", appending, id)
		}
		list = append(list, pos)
	}
	l.Trouble.over(appending)
	return list, nil
}

// Await implements journal.Source.
func (l *Log) Await(ctx context.Context, after entry.Position, d time.Duration) error {
	for end := time.Now().Add(d); ; {
		news, err := l.await(ctx, after, min(l.block, time.Until(end)))
		if news || err != nil || !time.Now().Before(end) {
			return err
		}
	}
}

// await waits at the server that has the log now, and reports whether there is news.
func (l *Log) await(ctx context.Context, after entry.Position, d time.Duration) (news bool, err error) {
	c := l.link.reader.Load()
	if c == nil || ctx.Err() != nil {
		return false, journal.ErrUnavailable
	}
	const doing = "waiting for the invalidation log"
	block := strconv.FormatInt(max(1, int64((d+time.Millisecond-1)/time.Millisecond)), 10)
	// As XREAD it would be given a connection of its own: the client does not know that there are no other calls for it to hold up.
	cmd := c.B().Arbitrary("XREAD").Args("COUNT", "1", "BLOCK", block, "STREAMS").Keys(l.stream).Args(after.String()).Build()
	err = c.Do(context.WithoutCancel(ctx), cmd).Error()
	if err == nil || rueidis.IsRedisNil(err) {
		l.Trouble.over(doing)
		return err == nil, nil
	}
	if refused(err) && l.Trouble.note(doing, err) { // it can be read all the same, only without being woken
		timer := time.NewTimer(min(d, unwoken))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		return true, nil
	}
	return false, err
}

// unwoken is how often the log is read when Redis refuses to wake the reader.
const unwoken = 100 * time.Millisecond
