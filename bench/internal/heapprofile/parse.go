package heapprofile

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/weirproxy/weir/bench/internal/scrape"
)

// Site is a function that allocates, as the profile names it: the innermost one that is not the runtime's.
type Site struct {
	Where          string
	Bytes, Objects int64   // sampled: all it allocated since the start
	Live           float64 // bytes it allocated that are still in use, scaled up from the sample
}

// Profile is one reading.
type Profile struct {
	Live  int64 // bytes of the heap in use, counted, not sampled; after a forced collection: what is reachable
	Sites map[string]Site
}

// Read forces a collection in the program whose admin listener has this URL and reads its profile.
func Read(ctx context.Context, adminURL string) (Profile, error) {
	raw, err := scrape.Body(ctx, adminURL+"/debug/pprof/heap?gc=1&debug=1")
	if err != nil {
		return Profile{}, err
	}
	return Parse(string(raw))
}

const liveCounter = "# HeapAlloc = "

// Parse reads the text form. What the profile itself allocates is left out of the sites.
func Parse(text string) (Profile, error) {
	p := Profile{Sites: map[string]Site{}}
	lines := strings.Split(text, "\n")
	rate, err := sampleRate(lines[0])
	if err != nil {
		return p, err
	}
	var now Site
	profiling := false // whether the site is the profile's own
	end := func() {
		if now.Where != "" && !profiling {
			all := p.Sites[now.Where]
			p.Sites[now.Where] = Site{now.Where, all.Bytes + now.Bytes, all.Objects + now.Objects, all.Live + now.Live}
		}
		now, profiling = Site{}, false
	}
	for n, line := range lines[1:] {
		frame, isFrame := strings.CutPrefix(line, "#\t")
		counter, isCounter := strings.CutPrefix(line, liveCounter)
		switch {
		case isCounter:
			if p.Live, err = strconv.ParseInt(strings.TrimSpace(counter), 10, 64); err != nil {
				return p, fmt.Errorf("heap profile, line %d: %w", n+2, err)
			}
		case isFrame:
			profiling = profiling || strings.Contains(frame, "pprof")
			if now.Where == "" {
				now.Where = function(frame)
			}
		case line != "" && line[0] != '#':
			end()
			var objects, bytes int64
			if _, err := fmt.Sscanf(line, "%d: %d [%d: %d] @", &objects, &bytes, &now.Objects, &now.Bytes); err != nil {
				return p, fmt.Errorf("heap profile, line %d: %q: %w", n+2, line, err)
			}
			now.Live = scaled(objects, bytes, rate)
		}
	}
	end()
	return p, nil
}

// sampleRate is the mean number of bytes between two samples; the first line names twice of it.
func sampleRate(first string) (float64, error) {
	if !strings.HasPrefix(first, "heap profile: ") {
		return 0, fmt.Errorf("%.80q is no heap profile", first)
	}
	_, text, ok := strings.Cut(first, "@ heap/")
	if !ok {
		return 1, nil
	}
	twice, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil {
		return 0, fmt.Errorf("heap profile, line 1: %w", err)
	}
	return twice / 2, nil
}

// scaled estimates the bytes of which a sample is a part: an object of a size is sampled with a probability of 1−exp(−size/rate).
func scaled(objects, bytes int64, rate float64) float64 {
	if objects == 0 || bytes == 0 {
		return 0
	}
	if rate <= 1 {
		return float64(bytes)
	}
	size := float64(bytes) / float64(objects)
	return float64(bytes) / -math.Expm1(-size/rate)
}

// function is the name in a frame line (address, function+offset, file:line); "" for the runtime's own functions, whose callers matter.
func function(frame string) string {
	fields := strings.Fields(frame)
	if len(fields) < 2 || strings.HasPrefix(fields[1], "runtime.") {
		return ""
	}
	name := fields[1]
	if i := strings.LastIndex(name, "+0x"); i > 0 {
		name = name[:i]
	}
	return strings.Clone(name[strings.LastIndexByte(name, '/')+1:]) // not to keep the whole text
}

// Change is what a function holds more (or less) than before, in bytes.
type Change struct {
	Where         string
	Before, After float64
}

// By is the difference.
func (c Change) By() float64 { return c.After - c.Before }

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
		return cmp.Or(cmp.Compare(math.Abs(b.By()), math.Abs(a.By())), strings.Compare(a.Where, b.Where))
	})
	return out[:min(len(out), n)]
}
