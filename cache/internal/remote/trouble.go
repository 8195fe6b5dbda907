package remote

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// Trouble knows the ways in which a Redis, or the way to it, is set up wrongly, and says each in one line, with the cure. None of them makes
// the cache serve what is invalid: what cannot be appended waits and is not acknowledged, what cannot be read ends in DisconnectedAfter, and
// a log that was dropped begins a new generation. The zero value says nothing.
type Trouble struct {
	Logger  *slog.Logger
	rights  string // the ACL rule of a user that may do all that is needed
	cluster bool   // this side takes the server for a cluster

	some  atomic.Bool // there is trouble that is not over
	mu    sync.Mutex
	known map[string]seen
}

type seen struct {
	doing string // what was refused
	told  time.Time
	over  bool
}

// tellEvery bounds how often the same is said, however often it comes and goes.
const tellEvery = time.Minute

type cure struct{ kind, code, what, cure string }

const (
	wrongUser   = "Redis refuses the user or its password"
	wrongServer = "the certificate of Redis, or the one shown to it, is not accepted"
	mapCerts    = "redis_tls: ca must hold the authority of the server's certificate, server_name be a name in it, cert and key be what the server wants of clients"
)

// cures are by words of the answer or error; the first that is found counts.
var cures = []cure{
	{"acl", "NOPERM", "the Redis user may not do what the cache needs", "grant it: ACL SETUSER NAME on >PASSWORD "},
	{"acl", "The user executing the script", "the Redis user may not do what the cache needs", "grant it: ACL SETUSER NAME on >PASSWORD "},
	{"auth", "WRONGPASS", wrongUser, "correct redis_username and redis_password"},
	{"auth", "without any password configured", wrongUser, "the server has no password: remove redis_password"},
	{"auth", "NOAUTH", "Redis wants a password", "set redis_password, and redis_username for an ACL user"},
	{"read_only", "READONLY", "Redis is a read-only replica; the invalidation log must be written to", "give the address of the master, or of the Sentinels with redis_master"},
	{"full", "OOM command", "Redis is full and takes no values and no invalidations", "raise maxmemory, or set maxmemory-policy to volatile-lru: cached answers have a time to live, the log has none"},
	{"disk", "MISCONF", "Redis takes no writes because it cannot save to disk", "make room on its disk, or set stop-writes-on-bgsave-error to no"},
	{"replicas", "NOREPLICAS", "Redis takes no writes because too few replicas follow it", "repair the replicas, or lower min-replicas-to-write"},
	{"type", "WRONGTYPE", "the keys of the cache belong to something else", "set namespace to a name that nothing else in this Redis uses"},
	{"cluster", "CROSSSLOT", "Redis Cluster refuses the keys of the invalidation log", "set namespace to a name without braces"},
	{"no_cluster", "cluster support disabled", "Redis is no cluster", "give one address and leave redis_cluster out, or set redis_master when the addresses are Sentinels"},
	{"database", "DB index is out of range", "Redis has no such database", "correct redis_db: a server has 0 to 15 unless its setting `databases` says else"},
	{"database", "SELECT is not allowed in cluster mode", "Redis Cluster has only database 0", "remove redis_db"},
	{"no_master", "No such master", "Sentinel does not know the master", "correct redis_master; SENTINEL MASTERS, asked of a Sentinel, lists the names"},
	{"certificate", "x509: ", wrongServer, mapCerts},
	{"certificate", "tls: ", wrongServer, mapCerts},
}

var (
	// isCluster is of MOVED and the like, which a client that knows of the cluster follows.
	isCluster = cure{"is_cluster", "", "Redis is a node of a cluster", "set redis_cluster: true"}
	// isSentinel, eviction and stuck are told from what the server says of itself, not from a refusal.
	isSentinel = cure{"is_sentinel", "", "the address is of a Sentinel", "set redis_master to the name of the master it watches"}
	eviction   = cure{
		kind: "eviction", what: "Redis may drop the invalidation log when its memory is full; then every entry of the fleet becomes invalid at once",
		cure: "set maxmemory-policy to volatile-lru (or volatile-lfu, volatile-ttl): cached answers have a time to live, the log has none",
	}
	stuck = cure{
		kind: "no_eviction", what: "Redis drops nothing when its memory is full; then no value and no invalidation can be written",
		cure: eviction.cure,
	}
	// plainOnly and wantsTLS are found by a probe: the server itself says nothing.
	plainOnly = cure{"plain", "", "Redis does not speak TLS on this port", "remove redis_tls, or give the server's TLS port"}
	wantsTLS  = cure{"wants_tls", "", "Redis speaks TLS on this port", "add redis_tls, or give the server's plain port"}
)

// cureOf finds what an error is a sign of.
func (t *Trouble) cureOf(err error) (cure, bool) {
	text := err.Error()
	if !t.cluster && (strings.HasPrefix(text, "MOVED ") || strings.HasPrefix(text, "CLUSTERDOWN")) {
		return isCluster, true
	}
	for _, c := range cures {
		if strings.Contains(text, c.code) {
			if c.kind == "acl" {
				c.cure += t.rights
			}
			return c, true
		}
	}
	return cure{}, false
}

// note says what Redis has refused, once while it lasts, and reports whether it is a known trouble.
func (t *Trouble) note(doing string, err error) bool {
	if err == nil || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return false
	}
	c, ok := t.cureOf(err)
	if ok {
		t.tell(c, doing, "error", err.Error())
	}
	return ok
}

// heard is note, or over when there was no error. It costs nothing while all is well.
func (t *Trouble) heard(doing string, err error) {
	if err == nil {
		t.over(doing)
		return
	}
	t.note(doing, err)
}

// over says that something has been done, so that what hindered it is over.
func (t *Trouble) over(doing string) {
	if !t.some.Load() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	some := false
	for kind, s := range t.known {
		if s.doing == doing && !s.over {
			s.over = true
			t.known[kind] = s
		}
		some = some || !s.over
	}
	t.some.Store(some)
}

func (t *Trouble) tell(c cure, doing string, more ...any) {
	if t.begun(c.kind, doing) && t.Logger != nil { // not under the lock: Kinds must not wait for who reads the log
		t.Logger.Warn(c.what, append([]any{"while", doing, "cure", c.cure}, more...)...)
	}
}

// begun notes that something is hindered, and reports whether that is to be told.
func (t *Trouble) begun(kind, doing string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.some.Store(true)
	s, known := t.known[kind]
	if known && (!s.over || time.Since(s.told) < tellEvery) {
		s.over = false
		t.known[kind] = s
		return false
	}
	if t.known == nil {
		t.known = map[string]seen{}
	}
	t.known[kind] = seen{doing: doing, told: time.Now()}
	return true
}

const looking = "looking at its settings"

// settings looks at INFO memory.
func (t *Trouble) settings(info string) {
	policy, limit := infoLine(info, "maxmemory_policy"), infoLine(info, "maxmemory")
	bounded := limit != "" && limit != "0"
	switch {
	case bounded && strings.HasPrefix(policy, "allkeys-"):
		t.tell(eviction, looking, "maxmemory_policy", policy, "maxmemory", limit)
	case bounded && policy == "noeviction":
		t.tell(stuck, looking, "maxmemory_policy", policy, "maxmemory", limit)
	default:
		t.over(looking)
	}
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
