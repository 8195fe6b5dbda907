package remote

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

// Trouble knows the ways in which a Redis is set up wrongly for the log, and says each in one line, with the cure. None of them makes the
// cache serve what is invalid: what cannot be appended waits and is not acknowledged, what cannot be read ends in DisconnectedAfter, and a
// log that was dropped begins a new generation. The zero value says nothing.
type Trouble struct {
	Logger *slog.Logger
	mu     sync.Mutex
	known  map[string]seen
}

type seen struct {
	doing string // what was refused
	told  time.Time
	over  bool
}

// tellEvery bounds how often the same is said, however often it comes and goes.
const tellEvery = time.Minute

type cure struct{ kind, code, what, cure string }

// cures are by the code in Redis' answer; the first that is found counts.
var cures = []cure{
	{"acl", "NOPERM", "the Redis user may not do what the invalidation log needs", "grant it, for instance: ACL SETUSER weir ~* +@read +@write +@scripting +@connection +xread +info +time"},
	{"auth", "WRONGPASS", "Redis refuses the user or its password", "correct redis_username and redis_password"},
	{"auth", "NOAUTH", "Redis wants a password", "set redis_password, and redis_username for an ACL user"},
	{"read_only", "READONLY", "Redis is a read-only replica; the invalidation log must be written to", "give the address of the master, or of the Sentinels with redis_master"},
	{"full", "OOM", "Redis is full and takes no invalidations", "raise maxmemory, or set maxmemory-policy to volatile-lru: cached answers have a time to live, the log has none"},
	{"disk", "MISCONF", "Redis takes no writes because it cannot save to disk", "make room on its disk, or set stop-writes-on-bgsave-error to no"},
	{"replicas", "NOREPLICAS", "Redis takes no writes because too few replicas follow it", "repair the replicas, or lower min-replicas-to-write"},
	{"type", "WRONGTYPE", "the keys of the invalidation log belong to something else", "set namespace to a name that nothing else in this Redis uses"},
	{"cluster", "CROSSSLOT", "Redis Cluster refuses the keys of the invalidation log", "set namespace to a name without braces"},
}

// eviction is told from the server's settings, not from a refusal.
var eviction = cure{
	kind: "eviction", what: "Redis may drop the invalidation log when its memory is full; then every entry of the fleet becomes invalid at once",
	cure: "set maxmemory-policy to volatile-lru (or volatile-lfu, volatile-ttl): cached answers have a time to live, the log has none",
}

// note says what Redis has refused, once while it lasts, and reports whether it is a known trouble.
func (t *Trouble) note(doing string, err error) bool {
	if err == nil {
		return false
	}
	for _, c := range cures {
		if strings.Contains(err.Error(), c.code) {
			t.tell(c, doing, "error", err.Error())
			return true
		}
	}
	return false
}

// over says that something has been done, so that what hindered it is over.
func (t *Trouble) over(doing string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for kind, s := range t.known {
		if s.doing == doing && !s.over {
			s.over = true
			t.known[kind] = s
		}
	}
}

func (t *Trouble) tell(c cure, doing string, more ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, known := t.known[c.kind]
	if known && (!s.over || time.Since(s.told) < tellEvery) {
		s.over = false
		t.known[c.kind] = s
		return
	}
	if t.known == nil {
		t.known = map[string]seen{}
	}
	t.known[c.kind] = seen{doing: doing, told: time.Now()}
	if t.Logger != nil {
		t.Logger.Warn(c.what, append([]any{"while", doing, "cure", c.cure}, more...)...)
	}
}

// settings looks at INFO memory.
func (t *Trouble) settings(info string) {
	policy, limit := infoLine(info, "maxmemory_policy"), infoLine(info, "maxmemory")
	const doing = "looking at its settings"
	if strings.HasPrefix(policy, "allkeys-") && limit != "" && limit != "0" {
		t.tell(eviction, doing, "maxmemory_policy", policy, "maxmemory", limit)
		return
	}
	t.over(doing)
}

func infoLine(info, name string) string {
	for line := range strings.Lines(info) {
		if v, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// Kinds returns the troubles there are, in order.
func (t *Trouble) Kinds() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []string
	for kind, s := range t.known {
		if !s.over {
			list = append(list, kind)
		}
	}
	slices.Sort(list)
	return list
}

// refused reports whether Redis has answered, and the answer is no.
func refused(err error) bool {
	_, ok := rueidis.IsRedisErr(err)
	return ok
}
