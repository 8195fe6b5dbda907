package remote

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/journal"
	"github.com/weirproxy/weir/cache/internal/roster"
)

// fence appends a record that names nothing: whoever waits for the log wakes up and reads. That somebody waits is said first, so that a
// reader of the record finds it. In a log whose generation is not settled nothing is done. KEYS as of sync. ARGV: how long members are to
// publish at once, ms; author; how many records to keep. Returns what view returns.
var fenceScript = rueidis.NewLuaScript(generationLua + `
if not epoch or #last == 0 then return {'', '', now, {}} end
if redis.call('PTTL', KEYS[5]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[5], '1', 'PX', ARGV[1]) end
local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], '*', 'o', ARGV[2], 'n', '0')
return {epoch, id, now, redis.call('HGETALL', KEYS[3])}
`)

// view changes nothing. Returns: epoch or "" when it is not settled, head, time ms, places by id.
var viewScript = rueidis.NewLuaScript(generationLua + `
local head = ''
if #last > 0 then head = last[1][1] else epoch = nil end
return {epoch or '', head, now, redis.call('HGETALL', KEYS[3])}
`)

var leaveScript = rueidis.NewLuaScript(`
redis.call('ZREM', KEYS[4], ARGV[1])
return redis.call('HDEL', KEYS[3], ARGV[1])
`)

// Fence implements roster.Source.
func (l *Log) Fence(ctx context.Context, during time.Duration) (roster.View, error) {
	return l.view(ctx, fenceScript, strconv.FormatInt(max(1, during.Milliseconds()), 10), l.member.ID, strconv.Itoa(l.keep))
}

// View implements roster.Source.
func (l *Log) View(ctx context.Context) (roster.View, error) { return l.view(ctx, viewScript) }

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
	_ = leaveScript.Exec(call, c, l.keys, []string{l.member.ID}).Error() // else it is forgotten after a while
}

func (l *Log) view(ctx context.Context, script *rueidis.Lua, args ...string) (v roster.View, err error) {
	c := l.link.get()
	if c == nil {
		return v, journal.ErrUnavailable
	}
	parts, err := script.Exec(ctx, c, l.keys, args).ToArray()
	if err != nil {
		l.Trouble.note("looking at the fleet", err)
		return v, fmt.Errorf("looking at the fleet: %w", err)
	}
	if len(parts) != 4 {
		return v, fmt.Errorf("looking at the fleet: %d parts", len(parts))
	}
	return readView(parts)
}

func readView(parts []rueidis.RedisMessage) (v roster.View, err error) {
	text := func(i int) string { s, _ := parts[i].ToString(); return s }
	if v.NowMS, err = strconv.ParseUint(text(2), 10, 64); err != nil {
		return v, fmt.Errorf("looking at the fleet: bad time")
	}
	if v.Epoch, err = strconv.ParseUint(text(0), 10, 64); err != nil {
		v.Epoch = 0 // not settled
	}
	v.Head, _ = entry.ParsePosition(text(1))
	places, err := parts[3].AsStrMap()
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
