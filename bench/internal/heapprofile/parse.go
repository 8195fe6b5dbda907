package heapprofile

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/google/pprof/profile"

	"github.com/weirproxy/weir/bench/internal/scrape"
)

// Site is a function that allocates, as the profile names it: the innermost one that is not the runtime's. Its figures are estimates, scaled up from the sample.
type Site struct {
	Where          string
	Bytes, Objects int64 // all it allocated since the start
	Live           int64 // bytes it allocated that are still in use
}

// Profile is one reading.
type Profile struct {
	Live  int64 // bytes of the heap that the last collection found reachable, counted, not sampled: the forced one, or one just after it
	Every int64 // mean number of allocated bytes between two samples
	Sites map[string]Site
}

const liveBytes = "go_gc_heap_live_bytes"

// Read forces a collection in the program whose admin listener has this URL and reads its profile.
func Read(ctx context.Context, adminURL string) (Profile, error) {
	raw, err := scrape.Body(ctx, adminURL+"/debug/pprof/heap?gc=1")
	if err != nil {
		return Profile{}, err
	}
	p, err := Parse(raw)
	if err != nil {
		return p, err
	}
	m, err := scrape.Get(ctx, adminURL+"/metrics")
	if err != nil {
		return p, err
	}
	live, ok := m.Sum(liveBytes)
	if !ok {
		return p, fmt.Errorf("/metrics has no %s", liveBytes)
	}
	p.Live = int64(live)
	return p, nil
}

// Parse reads the sites of a profile. What the profile itself allocates is left out.
func Parse(raw []byte) (Profile, error) {
	in, err := profile.ParseData(raw)
	if err != nil {
		return Profile{}, fmt.Errorf("heap profile: %w", err)
	}
	var column [3]int
	for i, name := range []string{"alloc_space", "alloc_objects", "inuse_space"} {
		column[i] = slices.IndexFunc(in.SampleType, func(t *profile.ValueType) bool { return t.Type == name })
		if column[i] < 0 {
			return Profile{}, fmt.Errorf("heap profile: no %s: it is a profile of something else", name)
		}
	}
	p := Profile{Every: in.Period, Sites: map[string]Site{}}
	for _, s := range in.Sample {
		where, profiling := allocator(s)
		if where == "" || profiling {
			continue
		}
		all := p.Sites[where]
		p.Sites[where] = Site{where, all.Bytes + s.Value[column[0]], all.Objects + s.Value[column[1]], all.Live + s.Value[column[2]]}
	}
	return p, nil
}

// allocator is the innermost function of a sample's stack that is not the runtime's, whose callers matter; profiling says that it worked for the profile itself.
func allocator(s *profile.Sample) (where string, profiling bool) {
	for _, l := range s.Location {
		for _, line := range l.Line {
			if line.Function == nil {
				continue
			}
			name := line.Function.Name
			profiling = profiling || strings.Contains(name, "pprof")
			if where == "" && !strings.HasPrefix(name, "runtime.") {
				where = short(name)
			}
		}
	}
	return where, profiling
}

// short is a function's name without the folders of its package and without type arguments.
func short(name string) string {
	if from, to := strings.IndexByte(name, '['), strings.LastIndexByte(name, ']'); from >= 0 && from < to {
		name = name[:from] + "[...]" + name[to+1:]
	}
	return name[strings.LastIndexByte(name, '/')+1:]
}

// Change is what a function holds more (or less) than before, in bytes.
type Change struct {
	Where         string
	Before, After int64
}

// By is the difference.
func (c Change) By() int64 { return c.After - c.Before }

// Changes are the n functions whose live bytes changed most between two profiles, the largest growth or decline first.
func Changes(before, after Profile, n int) []Change {
	var out []Change
	for where, now := range after.Sites {
		out = append(out, Change{where, before.Sites[where].Live, now.Live})
	}
	for where, was := range before.Sites {
		if _, ok := after.Sites[where]; !ok {
			out = append(out, Change{where, was.Live, 0})
		}
	}
	out = slices.DeleteFunc(out, func(c Change) bool { return c.By() == 0 })
	slices.SortFunc(out, func(a, b Change) int {
		return cmp.Or(cmp.Compare(math.Abs(float64(b.By())), math.Abs(float64(a.By()))), strings.Compare(a.Where, b.Where))
	})
	return out[:min(len(out), n)]
}
