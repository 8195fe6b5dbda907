package keytrace

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/weirproxy/weir/cache"
)

// Trace is uses of keys in the order of their times. It is immutable.
type Trace struct {
	Name string
	Uses []cache.Use // keys are numbered from 0; a TTL of 0: the trace does not say
	Keys int
	// Guessed is how many uses were events without a key, told apart by operation, tenant and size of the answer.
	Guessed int
	Skips   []Skip
}

// Skip is what was left out for one reason.
type Skip struct {
	Why   string
	Count int
	First string // FILE:LINE
}

// Duration is from the first use to the last.
func (t *Trace) Duration() time.Duration {
	if len(t.Uses) == 0 {
		return 0
	}
	return time.Duration(t.Uses[len(t.Uses)-1].At)
}

// WithTTL are the uses with a time to live: ttl, or each one's own when that is 0, and otherwise else.
func (t *Trace) WithTTL(ttl, otherwise time.Duration) iter.Seq[cache.Use] {
	return func(yield func(cache.Use) bool) {
		for _, u := range t.Uses {
			if ttl > 0 {
				u.TTL = ttl
			} else if u.TTL <= 0 {
				u.TTL = otherwise
			}
			if !yield(u) {
				return
			}
		}
	}
}

// builder gathers a trace.
type builder struct {
	trace Trace
	max   int // uses; 0: no bound
	line  int
	keys  map[string]uint64
	skips map[string]*Skip
}

func newBuilder(name string, maxUses int) *builder {
	return &builder{trace: Trace{Name: name}, max: maxUses, keys: map[string]uint64{}, skips: map[string]*Skip{}}
}

// number is the number of a key.
func (b *builder) number(key string) uint64 {
	n, ok := b.keys[key]
	if !ok {
		n = uint64(len(b.keys))
		b.keys[key] = n
	}
	return n
}

func (b *builder) full() bool { return b.max > 0 && len(b.trace.Uses) >= b.max }

func (b *builder) skip(format string, args ...any) {
	why := fmt.Sprintf(format, args...)
	s := b.skips[why]
	if s == nil {
		s = &Skip{Why: why, First: fmt.Sprintf("%s:%d", b.trace.Name, b.line)}
		b.skips[why] = s
	}
	s.Count++
}

// finish brings the uses into order and counts their times from the first.
func (b *builder) finish() (*Trace, error) {
	t := &b.trace
	for _, s := range b.skips {
		t.Skips = append(t.Skips, *s)
	}
	slices.SortFunc(t.Skips, func(a, b Skip) int { return cmp.Or(b.Count-a.Count, cmp.Compare(a.Why, b.Why)) })
	if len(t.Uses) == 0 {
		text := ""
		for _, s := range t.Skips {
			text += fmt.Sprintf("\n  %d × %s, first %s", s.Count, s.Why, s.First)
		}
		return nil, fmt.Errorf("%s: no use of a key was found in it; it takes cost events or a trace of keys%s", t.Name, text)
	}
	slices.SortStableFunc(t.Uses, func(a, b cache.Use) int { return cmp.Compare(a.At, b.At) })
	first := t.Uses[0].At
	for i := range t.Uses {
		t.Uses[i].At -= first
	}
	t.Keys = len(b.keys)
	return t, nil
}
