package remote

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/journal"
	"github.com/weirproxy/weir/cache/internal/roster"
)

// place publishes how far a member has come, and forgets a few of those who have said nothing for long: each member that publishes looks at
// some, so that all are looked at however many there are. What it says is of the generation that the member has read last, or of none.
//
// KEYS: places. ARGV: id, epoch and position, bound and instance, how long to remember in ms.
// Returns: number of members, trouble with forgetting.
var placeScript = newScript(nowLua + `
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. now .. ' ' .. ARGV[3])
local some, trouble = redis.pcall('HRANDFIELD', KEYS[1], 3, 'WITHVALUES'), ''
if some.err then some, trouble = {}, some.err end
for i = 1, #some, 2 do
  local seen = string.match(some[i + 1], '^%d+ %d+%-%d+ (%d+) ')
  if seen and tonumber(seen) < tonumber(now) - tonumber(ARGV[4]) then
    local gone = redis.pcall('HDEL', KEYS[1], some[i])
    if type(gone) == 'table' then trouble = gone.err end
  end
end
return {redis.call('HLEN', KEYS[1]), trouble}
`)

// fence appends a record that names nothing: whoever reads it says at once how far it has come. In a log whose generation is not settled
// nothing is done. KEYS: stream. ARGV: author, how many records to keep. Returns what head returns.
var fenceScript = newScript(generationLua + `
if not epoch or #last == 0 then return {'', ''} end
return {epoch, redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'o', ARGV[1], 'n', '0')}
`)

// head changes nothing. KEYS: stream. Returns: epoch or "" when it is not settled, head.
var headScript = newScript(generationLua + `
if #last == 0 then return {'', ''} end
return {epoch or '', last[1][1]}
`)

// members changes nothing. KEYS: places. Returns: time ms, the server's run, whose time that is, places by id.
var membersScript = newScript(nowLua + `
return {now, string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or 'unknown', redis.call('HGETALL', KEYS[1])}
`)

// place publishes that all up to a position was applied; zero: nothing yet.
func (l *Log) place(applied entry.Position) run {
	return run{placeScript, l.places, []string{
		l.member.ID, strconv.FormatUint(l.epoch, 10) + " " + applied.String(), strconv.FormatInt(l.member.Bound.Milliseconds(), 10) + " " + l.member.Instance,
		strconv.FormatInt(max(roster.Forget, 3*l.member.Bound).Milliseconds(), 10),
	}}
}

// published returns the number of members, -1 when it is not known: the roster may be refused (a user without the right, a full memory)
// without harm to the reading.
func (l *Log) published(r rueidis.RedisResult) int {
	const doing = "publishing its place"
	parts, err := r.ToArray()
	if err != nil || len(parts) != 2 {
		l.Trouble.note(doing, err)
		return -1
	}
	if trouble, _ := parts[1].ToString(); trouble != "" {
		l.Trouble.note(doing, errors.New(trouble))
	} else {
		l.Trouble.over(doing)
	}
	n, err := parts[0].AsInt64()
	if err != nil {
		return -1
	}
	return int(n)
}

// Fence implements roster.Source.
func (l *Log) Fence(ctx context.Context) (roster.View, error) {
	return l.view(ctx, run{fenceScript, l.stream, []string{l.member.ID, strconv.Itoa(l.keep)}})
}

// View implements roster.Source.
func (l *Log) View(ctx context.Context) (roster.View, error) {
	return l.view(ctx, run{headScript, l.stream, nil})
}

// leaveTime bounds the last word of a process.
const leaveTime = 500 * time.Millisecond

// Leave takes this process off the roster. Call it when it serves nothing any more.
func (l *Log) Leave(ctx context.Context) {
	c := l.link.get()
	if c == nil {
		return
	}
	call, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTime)
	defer cancel()
	_ = c.Do(call, c.B().Hdel().Key(l.places).Field(l.member.ID).Build()).Error() // else it is forgotten after a while
}

// view asks for the log's end and then for the members. A place that is newer than the end is of no harm: it is true in itself.
func (l *Log) view(ctx context.Context, end run) (v roster.View, err error) {
	c := l.link.get()
	if c == nil {
		return v, journal.ErrUnavailable
	}
	var parts [2][]rueidis.RedisMessage
	for i, r := range runAll(ctx, c, end, run{membersScript, l.places, nil}) {
		if parts[i], err = r.ToArray(); err != nil {
			l.Trouble.note("looking at the fleet", err)
			return v, fmt.Errorf("looking at the fleet: %w", err)
		}
	}
	if len(parts[0]) != 2 || len(parts[1]) != 3 {
		return v, fmt.Errorf("looking at the fleet: %d and %d parts", len(parts[0]), len(parts[1]))
	}
	return readView(parts[0], parts[1])
}

func readView(end, members []rueidis.RedisMessage) (v roster.View, err error) {
	text := func(m rueidis.RedisMessage) string { s, _ := m.ToString(); return s }
	if v.NowMS, err = strconv.ParseUint(text(members[0]), 10, 64); err != nil {
		return v, fmt.Errorf("looking at the fleet: bad time")
	}
	v.Server = text(members[1])
	if v.Epoch, err = strconv.ParseUint(text(end[0]), 10, 64); err != nil {
		v.Epoch = 0 // not settled
	}
	v.Head, _ = entry.ParsePosition(text(end[1]))
	places, err := members[2].AsStrMap()
	if err != nil {
		return v, fmt.Errorf("looking at the fleet: %w", err)
	}
	for id, place := range places {
		m, ok := roster.Parse(id, place)
		if !ok { // of another version: it is there, and nothing is known of it
			m = roster.Member{ID: id, Instance: id, SeenMS: v.NowMS}
		}
		v.Members = append(v.Members, m)
	}
	return v, nil
}
