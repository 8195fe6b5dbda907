package compare

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/scrape"
)

const (
	allocatedBytes   = "go_memstats_alloc_bytes_total"
	allocatedObjects = "go_memstats_mallocs_total"
	collections      = "go_gc_duration_seconds_count"
	shortPart        = 10 // the short run has this part of the requests
	namedSites       = 3
)

// heapUse is what requests take from the heap.
type heapUse struct {
	requests int64
	counters // per request; collections per request too
	sites    []site
}

type counters struct{ bytes, objects, collections float64 }

// heap measures what is allocated per request: the difference between a short and a long run over as many new connections, divided by the difference of their
// requests, so that what connections and the reading of counters cost falls out. The profile says where it was.
func (s *stage) heap(ctx context.Context, one *server, requests int64) (heapUse, error) {
	use := heapUse{}
	short, _, err := s.allocations(ctx, one, requests/shortPart)
	if err != nil {
		return use, fmt.Errorf("%s: %w", one.Name, err)
	}
	long, sites, err := s.allocations(ctx, one, requests)
	if err != nil {
		return use, fmt.Errorf("%s: %w", one.Name, err)
	}
	use.requests = requests
	n := float64(requests - requests/shortPart)
	use.counters = counters{
		max(0, long.bytes-short.bytes) / n, max(0, long.objects-short.objects) / n, max(0, long.collections-short.collections) / n,
	}
	use.sites = sites
	return use, nil
}

// allocations sends requests and says what the process allocated meanwhile.
func (s *stage) allocations(ctx context.Context, one *server, requests int64) (counters, []site, error) {
	profileBefore, err := readProfile(ctx, one.Admin)
	if err != nil {
		return counters{}, nil, err
	}
	before, err := readCounters(ctx, one.Admin)
	if err != nil {
		return counters{}, nil, err
	}
	if _, err := s.send(ctx, one, load.Config{Source: newTraffic(byPopularity, one.want), Requests: requests}); err != nil {
		return counters{}, nil, err
	}
	after, err := readCounters(ctx, one.Admin)
	if err != nil {
		return counters{}, nil, err
	}
	profileAfter, err := readProfile(ctx, one.Admin)
	if err != nil {
		return counters{}, nil, err
	}
	used := counters{after.bytes - before.bytes, after.objects - before.objects, after.collections - before.collections}
	return used, grown(profileBefore, profileAfter), nil
}

func readCounters(ctx context.Context, admin string) (c counters, err error) {
	m, err := scrape.Get(ctx, "http://"+admin+"/metrics")
	if err != nil {
		return c, err
	}
	for name, into := range map[string]*float64{allocatedBytes: &c.bytes, allocatedObjects: &c.objects, collections: &c.collections} {
		value, ok := m.Sum(name)
		if !ok {
			return c, fmt.Errorf("/metrics has no %s", name)
		}
		*into = value
	}
	return c, nil
}

func readProfile(ctx context.Context, admin string) (map[string]site, error) {
	raw, err := scrape.Body(ctx, "http://"+admin+"/debug/pprof/heap?gc=1&debug=1")
	if err != nil {
		return nil, err
	}
	return parseProfile(string(raw))
}

// site is a place in the program that allocates, as the heap profile names it.
type site struct {
	where          string
	bytes, objects int64
}

// parseProfile reads the text form of a heap profile: what each site allocated since the start, whether it is still in use or not.
func parseProfile(text string) (map[string]site, error) {
	sites := map[string]site{}
	var now site
	profiling := false // whether the site is the profile's own
	end := func() {
		if now.where != "" && !profiling {
			all := sites[now.where]
			sites[now.where] = site{now.where, all.bytes + now.bytes, all.objects + now.objects}
		}
		now, profiling = site{}, false
	}
	lines := strings.Split(text, "\n")
	if !strings.HasPrefix(lines[0], "heap profile: ") {
		return nil, fmt.Errorf("%.80q is no heap profile", lines[0])
	}
	for n, line := range lines[1:] {
		frame, isFrame := strings.CutPrefix(line, "#\t")
		switch {
		case strings.HasPrefix(line, "# "):
			end()
			return sites, nil // counters of the runtime follow
		case isFrame:
			profiling = profiling || strings.Contains(frame, "pprof")
			if now.where == "" {
				now.where = function(frame)
			}
		case line != "" && line[0] != '#':
			end()
			var inUse, inUseBytes int64
			if _, err := fmt.Sscanf(line, "%d: %d [%d: %d] @", &inUse, &inUseBytes, &now.objects, &now.bytes); err != nil {
				return nil, fmt.Errorf("heap profile, line %d: %q: %w", n+2, line, err)
			}
		}
	}
	end()
	return sites, nil
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
	return name[strings.LastIndexByte(name, '/')+1:]
}

// grown are the sites that allocated most between two profiles.
func grown(before, after map[string]site) []site {
	var out []site
	for where, now := range after {
		was := before[where]
		if d := (site{where, now.bytes - was.bytes, now.objects - was.objects}); d.bytes > 0 {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b site) int {
		if a.bytes != b.bytes {
			return int(min(max(b.bytes-a.bytes, -1), 1))
		}
		return strings.Compare(a.where, b.where)
	})
	return out[:min(len(out), namedSites)]
}

// text names the sites for a remark.
func (u *heapUse) text() string {
	var parts []string
	for _, s := range u.sites {
		parts = append(parts, fmt.Sprintf("%s %d B in %d objects", s.where, s.bytes, s.objects))
	}
	return strings.Join(parts, ", ")
}
