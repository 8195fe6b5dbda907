package remote

import (
	"fmt"
	"regexp"
	"strings"
)

// commands are all that a user of the servers needs, by what needs them.
var commands = []struct{ what, list string }{
	{"values", "get set"},
	{"the log", "eval evalsha time info exists xadd xread xrange xrevrange xgroup|create xgroup|destroy xinfo|groups"},
	{"the fleet's roster", "hset hdel hlen hgetall hrandfield"},
	{"the list of what is popular", "zadd zremrangebyrank zrevrange expire"},
	{"erasure of a tenant", "scan getrange unlink"},
}

// globs are the characters that have a meaning in the patterns of an ACL rule.
var globs = regexp.MustCompile(`[*?\[\]\\^]`)

// Rights returns the ACL rule of a user that may do what the cache of a namespace needs and nothing else.
func Rights(namespace string, cluster bool) string {
	n := globs.ReplaceAllString(namespace, `\$0`)
	var b strings.Builder
	fmt.Fprintf(&b, "~%s:* ~{%s}:* -@all", n, n)
	for _, c := range commands {
		b.WriteString(" +" + strings.ReplaceAll(c.list, " ", " +"))
	}
	if cluster {
		b.WriteString(" +cluster|slots +cluster|shards +asking")
	}
	return b.String()
}
