package compare

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/weirproxy/weir/bench/internal/heapprofile"
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
	sites    []heapprofile.Site
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
func (s *stage) allocations(ctx context.Context, one *server, requests int64) (counters, []heapprofile.Site, error) {
	profileBefore, err := heapprofile.Read(ctx, "http://"+one.Admin)
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
	profileAfter, err := heapprofile.Read(ctx, "http://"+one.Admin)
	if err != nil {
		return counters{}, nil, err
	}
	used := counters{after.bytes - before.bytes, after.objects - before.objects, after.collections - before.collections}
	return used, grown(profileBefore.Sites, profileAfter.Sites), nil
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

// grown are the sites that allocated most between two profiles.
func grown(before, after map[string]heapprofile.Site) []heapprofile.Site {
	var out []heapprofile.Site
	for where, now := range after {
		was := before[where]
		if d := (heapprofile.Site{Where: where, Bytes: now.Bytes - was.Bytes, Objects: now.Objects - was.Objects}); d.Bytes > 0 {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b heapprofile.Site) int {
		if a.Bytes != b.Bytes {
			return int(min(max(b.Bytes-a.Bytes, -1), 1))
		}
		return strings.Compare(a.Where, b.Where)
	})
	return out[:min(len(out), namedSites)]
}

// text names the sites for a remark.
func (u *heapUse) text() string {
	var parts []string
	for _, s := range u.sites {
		parts = append(parts, fmt.Sprintf("%s %d B in %d objects", s.Where, s.Bytes, s.Objects))
	}
	return strings.Join(parts, ", ")
}
