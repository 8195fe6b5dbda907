package result

// HitRatio is the share of hits among the answers that carried a Cache-Status, 0..1.
func (s *Stats) HitRatio() float64 {
	if s.Hits+s.Misses == 0 {
		return 0
	}
	return float64(s.Hits) / float64(s.Hits+s.Misses)
}

// Of is how many requests were of operations of a kind.
func (r *Run) Of(kind string) (n int64) {
	for i := range r.Operations {
		if r.Operations[i].Kind == kind {
			n += r.Operations[i].Stats.Requests
		}
	}
	return n
}
