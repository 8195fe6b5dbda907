package policy

import "time"

// Adaptive says how lifetimes follow what is seen of answers and demand. They become shorter, never longer.
type Adaptive struct {
	Mode        Mode    // Observe: only counted
	ByChange    bool    // by how often answers of the operation change
	Probability float64 // with which an answer may be out of date at its end
	MinTTL      time.Duration
	Window      time.Duration // of views
	Views       []View        // by how often the key is asked for, the most first; empty: not at all
}

// View is the lifetime of a key that is asked for more often than Above within the window.
type View struct {
	Above int
	TTL   time.Duration
}

// ByViews returns the lifetime for a number of views. The last view is for all the rest.
func (a *Adaptive) ByViews(n int) time.Duration {
	for _, v := range a.Views[:len(a.Views)-1] {
		if n > v.Above {
			return v.TTL
		}
	}
	return a.Views[len(a.Views)-1].TTL
}
