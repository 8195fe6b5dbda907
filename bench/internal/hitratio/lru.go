package hitratio

import (
	"iter"

	"github.com/weirproxy/weir/cache"
)

// node is an entry of a list, by key.
type node struct {
	before, after int64 // keys; none at the ends
	charge        int64 // 0: not stored
	until         int64
}

const none = -1

// LRU returns how many uses a cache of so many bytes hits that lets go of what was not used for the longest time. It has no bookkeeping of
// its own; entries are charged as Weir charges them.
func LRU(trace iter.Seq[cache.Use], keys int, capacity int64) (hits uint64) {
	l := list{nodes: make([]node, keys), first: none, last: none}
	for u := range trace {
		key := int64(u.Key)
		n := &l.nodes[key]
		if n.charge > 0 {
			l.remove(key)
			if u.At < n.until {
				hits++
				l.push(key)
				continue
			}
			l.used -= n.charge
			n.charge = 0
		}
		charge := cache.Charge(u.Bytes)
		if charge > capacity {
			continue
		}
		for l.used+charge > capacity {
			out := l.last
			l.remove(out)
			l.used -= l.nodes[out].charge
			l.nodes[out].charge = 0
		}
		n.charge, n.until = charge, u.At+int64(u.TTL)
		l.used += charge
		l.push(key)
	}
	return hits
}

// list holds entries in the order of their use.
type list struct {
	nodes       []node
	first, last int64 // the first was used last
	used        int64
}

func (l *list) push(key int64) {
	n := &l.nodes[key]
	n.before, n.after = none, l.first
	if l.first != none {
		l.nodes[l.first].before = key
	} else {
		l.last = key
	}
	l.first = key
}

func (l *list) remove(key int64) {
	n := &l.nodes[key]
	if n.before != none {
		l.nodes[n.before].after = n.after
	} else {
		l.first = n.after
	}
	if n.after != none {
		l.nodes[n.after].before = n.before
	} else {
		l.last = n.before
	}
}
