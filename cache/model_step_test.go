package cache

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// step is one thing that happens in a model world. Every step can be carried out in every state (one that has nothing to work on does nothing), so a
// schedule stays a schedule when steps are taken out of it.
type step struct {
	do   verb
	who  uint8 // process
	a, b uint8 // what the verb makes of them
	nest uint8 // so many of the steps that follow happen inside this one, while it waits for Redis or for another's fill
}

type verb uint8

const (
	begin     verb = iota // the world: a bits of worldBits, b processes; always the first step
	look                  // a key, b > 0: waits for a fill that is under way
	quick                 // look and, when it leads, complete at once
	complete              // a fill, b form of the answer
	abandon               // a fill, b > 0: marks the key
	declare               // invalidate: a what, b > 0: soft
	flush                 // append once
	catchUp               // read the log once, pages of b+1 records
	settle                // all append and read
	land                  // a: a write to the shared tier arrives
	evict                 // a: all but key a leave the process
	sweep                 // the memory of invalid entries is given back
	line                  // a: bits of the connection (down, no reply, partial, late writes)
	replicate             // the replica takes what the master has
	failOver              // a: to an empty server, to the replica, to the same data; for all, or for one process
	move                  // to the server that has taken over
	trim                  // a: quarters of the log go
	restart               // b > 0: in order
	pass                  // a: time
	jump                  // a: clock of a process
	redisJump             // a: clock of Redis
	verbs
)

var verbNames = [verbs]string{
	"begin", "look", "quick", "complete", "abandon", "declare", "flush", "catchup", "settle", "land", "evict", "sweep", "line", "replicate", "failover", "move", "trim",
	"restart", "pass", "jump", "redisjump",
}

// weights of the verbs in a world where all of them happen.
var weights = [verbs]int{0, 10, 12, 8, 1, 10, 6, 8, 4, 6, 4, 1, 2, 2, 1, 3, 3, 1, 3, 1, 1}

var (
	passes = []time.Duration{time.Millisecond, time.Millisecond, 50 * time.Millisecond, time.Second, time.Second, 3 * time.Second, 11 * time.Second, 20 * time.Minute, 25 * time.Hour}
	jumps  = []time.Duration{time.Second, -time.Second, 4 * time.Second, -4 * time.Second, time.Minute, -time.Minute, time.Hour, -time.Hour, 30 * time.Hour, -30 * time.Hour}
)

// String is one word of a replay.
func (s step) String() string {
	return fmt.Sprintf("%s.%d.%d.%d.%d", verbNames[s.do], s.who, s.a, s.b, s.nest)
}

// parseSteps reads what String wrote.
func parseSteps(text string) (list []step, err error) {
	for _, word := range strings.Fields(text) {
		parts := strings.Split(word, ".")
		s, known := step{}, false
		for v, name := range verbNames {
			if name == parts[0] {
				s.do, known = verb(v), true
			}
		}
		if !known || len(parts) != 5 {
			return nil, fmt.Errorf("%q is not a step", word)
		}
		for i, to := range []*uint8{&s.who, &s.a, &s.b, &s.nest} {
			n, err := strconv.ParseUint(parts[i+1], 10, 8)
			if err != nil {
				return nil, fmt.Errorf("%q is not a step: %w", word, err)
			}
			*to = uint8(n)
		}
		list = append(list, s)
	}
	if len(list) == 0 || list[0].do != begin {
		return nil, fmt.Errorf("a schedule begins with %s", verbNames[begin])
	}
	return list, nil
}

// schedule draws the steps of one world. Each world leaves some verbs out and lets others happen more often: what is rare everywhere would never meet.
func schedule(seed uint64, length int) []step {
	r := rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))
	var from []verb
	for v := look; v < verbs; v++ {
		n := weights[v]
		switch r.IntN(6) {
		case 0:
			if v != look && v != quick {
				n = 0
			}
		case 1:
			n *= 3
		}
		for range n {
			from = append(from, v)
		}
	}
	list := make([]step, 0, length)
	list = append(list, step{do: begin, a: uint8(r.IntN(1 << worldBits)), b: uint8(2 + r.IntN(3))})
	for len(list) < length {
		s := step{do: from[r.IntN(len(from))], who: uint8(r.IntN(4)), a: uint8(r.IntN(256)), b: uint8(r.IntN(8))}
		switch s.do {
		case look, declare, flush, catchUp, quick:
			if r.IntN(4) == 0 {
				s.nest = uint8(1 + r.IntN(4))
			}
		}
		if s.do != catchUp && s.b > 1 {
			s.b = s.b % 5 / 3 // mostly 0
		}
		if s.do == look && s.nest > 0 && r.IntN(2) == 0 { // somebody waits for a fill, and it ends
			s.b = 1
			list = append(list, s, step{do: complete, who: s.who, a: s.a})
			continue
		}
		if s.do == look && r.IntN(12) == 0 {
			list = append(list, inDemand(r, s)...)
			continue
		}
		list = append(list, s)
	}
	return list
}

// inDemand is a key that two processes answer with, and both miss at once.
func inDemand(r *rand.Rand, s step) []step {
	other := s.who + 1
	gone := step{do: declare, who: s.who, a: uint8(len(modelInvalidations) - 2), b: uint8(r.IntN(2))}
	if r.IntN(3) == 0 {
		gone = step{do: pass, a: uint8(r.IntN(len(passes)))}
	}
	wait := step{do: settle}
	if r.IntN(3) == 0 { // for longer than stale answers are for
		wait = step{do: pass, a: 5}
	}
	return []step{
		{do: quick, who: s.who, a: s.a},
		{do: settle},
		{do: land, who: s.who},
		{do: look, who: s.who, a: s.a},
		{do: look, who: other, a: s.a},
		{do: look, who: other, a: s.a},
		gone, wait,
		{do: pass},
		{do: settle},
		{do: look, who: s.who, a: s.a},
		{do: look, who: other, a: s.a, nest: uint8(r.IntN(5))},
		{do: complete, who: s.who, a: uint8(r.IntN(2))},
		{do: land, who: s.who},
		{do: complete, who: s.who},
		{do: land, who: s.who},
	}
}
