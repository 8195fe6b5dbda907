package cache

import (
	"fmt"
	"strings"
	"time"
)

// shrink takes out of a failing schedule what the failure does not need, until nothing more can go or the time is over.
func shrink(steps []step, m *mutant, limit time.Duration) ([]step, string) {
	failure, _ := play(steps, m)
	end := time.Now().Add(limit)
	try := func(list []step) bool {
		if time.Now().After(end) {
			return false
		}
		f, _ := play(list, m)
		if f == "" {
			return false
		}
		steps, failure = list, f
		return true
	}
	for changed := true; changed; {
		changed = false
		for size := len(steps) / 2; size >= 1; size /= 2 {
			for at := 1; at+size <= len(steps); {
				if try(append(append([]step(nil), steps[:at]...), steps[at+size:]...)) {
					changed = true
				} else {
					at += size
				}
			}
		}
		for i := range steps {
			for _, simple := range simpler(steps[i]) {
				list := append([]step(nil), steps...)
				list[i] = simple
				if try(list) {
					changed = true
				}
			}
		}
	}
	return steps, failure
}

// simpler are steps that say less than s.
func simpler(s step) (list []step) {
	if s.nest > 0 {
		x := s
		x.nest--
		list = append(list, x)
	}
	if s.do == begin {
		return list
	}
	if s.b > 0 {
		x := s
		x.b = 0
		list = append(list, x)
	}
	if s.do == settle || s.do == flush || s.do == catchUp || s.do == replicate { // a says nothing
		if x := s; x.a != 0 {
			x.a = 0
			list = append(list, x)
		}
	}
	return list
}

// report says what a failing schedule is, in words that -replay takes.
func report(seed uint64, steps []step, failure string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nseed %d, %d steps:\n", failure, seed, len(steps))
	words := make([]string, len(steps))
	for i, s := range steps {
		words[i] = s.String()
		fmt.Fprintf(&b, "  %3d %s%s\n", i, words[i], explain(s))
	}
	fmt.Fprintf(&b, "again: go test ./cache -run 'TestModel$' -replay '%s'", strings.Join(words, " "))
	return b.String()
}

// explain adds to a step what its numbers stand for.
func explain(s step) string {
	switch s.do {
	case look, quick:
		return "  " + modelKeys[int(s.a)%len(modelKeys)].name
	case declare:
		return fmt.Sprintf("  %+v soft %v", modelInvalidations[int(s.a)%len(modelInvalidations)], s.b > 0)
	case pass:
		return "  " + passes[int(s.a)%len(passes)].String()
	case jump, redisJump:
		return "  " + jumps[int(s.a)%len(jumps)].String()
	case failOver:
		return "  " + [...]string{"to an empty server", "to the replica", "to the same data"}[s.a%3] + map[bool]string{true: ", for this process alone"}[s.a/3%2 > 0]
	case line:
		return fmt.Sprintf("  down %v, no reply %v, partial %v, late writes %v", s.a&3 == 3, s.a&12 == 12, s.a&48 == 48, s.a&64 != 0)
	default:
		return ""
	}
}
