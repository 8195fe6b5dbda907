package pgo

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/google/pprof/profile"
)

// Recording is the processor profile of one role.
type Recording struct {
	Role    string
	Profile *profile.Profile
}

// Summary says what a recording gave.
type Summary struct {
	Role    string
	Samples int64   // that were taken over
	Dropped int64   // that were not
	Top     []Share // the functions in which most samples were, the most first; at most five
}

// Share is a function's part of the samples taken over, 0..1, without what it calls.
type Share struct {
	Function string
	Share    float64
}

const (
	roleWeight = 1_000_000 // sum of the values of each role: so large that rounding does not show
	topShares  = 5
	period     = 10_000_000 // ns; a profile must name one
)

// Merge makes one profile of the recordings in which each role weighs the same, however many samples it has. Taken over is what the compiler reads: names of
// functions, lines, counts. Files, addresses, mappings, labels, times and comments are not: they differ from machine to machine. The same recordings give the
// same bytes.
//
// Samples within crypto are dropped. What a profile inlines there decides what escapes: with them sha256.Sum256 allocated twice for each hit. Those of the
// profiler are no work of weir. An error names a role of which no sample is left.
func Merge(recordings []Recording) (*profile.Profile, []Summary, error) {
	if len(recordings) == 0 {
		return nil, nil, errors.New("pgo: there is no recording to merge")
	}
	weights := map[string]*stack{}
	var all []Summary
	for _, r := range recordings {
		kept, summary, err := samples(r)
		if err != nil {
			return nil, nil, fmt.Errorf("pgo: %s: %w", r.Role, err)
		}
		for _, s := range kept {
			one, ok := weights[s.key]
			if !ok {
				one = &stack{key: s.key, locations: s.locations}
				weights[s.key] = one
			}
			one.weight += s.weight * roleWeight / float64(summary.Samples)
		}
		all = append(all, summary)
	}
	var stacks []*stack
	for _, s := range weights {
		stacks = append(stacks, s)
	}
	slices.SortFunc(stacks, func(a, b *stack) int { return cmp.Or(cmp.Compare(b.weight, a.weight), strings.Compare(a.key, b.key)) })
	return build(stacks), all, nil
}

// frame is a line of a function.
type frame struct {
	function    string
	start, line int64
}

// stack is what many samples have in common: its locations, the innermost first, each a frame and what it was inlined into.
type stack struct {
	key       string
	locations []location
	weight    float64
}

type location struct {
	key    string
	frames []frame
}

// samples reads a recording.
func samples(r Recording) (kept []stack, summary Summary, err error) {
	summary.Role = r.Role
	value := slices.IndexFunc(r.Profile.SampleType, func(t *profile.ValueType) bool { return t.Type == "samples" && t.Unit == "count" })
	if value < 0 {
		return nil, summary, errors.New("this is no processor profile: it counts no samples")
	}
	leaves := map[string]int64{}
	for _, s := range r.Profile.Sample {
		n := s.Value[value]
		one, ok := read(s)
		if !ok {
			summary.Dropped += n
			continue
		}
		one.weight = float64(n)
		kept = append(kept, one)
		summary.Samples += n
		leaves[one.locations[0].frames[0].function] += n
	}
	if summary.Samples == 0 {
		return nil, summary, fmt.Errorf("no sample is left of %d: weir did nothing, or the machine has no processor time left", summary.Dropped)
	}
	for function, n := range leaves {
		summary.Top = append(summary.Top, Share{function, float64(n) / float64(summary.Samples)})
	}
	slices.SortFunc(summary.Top, func(a, b Share) int {
		return cmp.Or(cmp.Compare(b.Share, a.Share), strings.Compare(a.Function, b.Function))
	})
	summary.Top = summary.Top[:min(len(summary.Top), topShares)]
	return kept, summary, nil
}

// read takes over a sample, unless it has a frame that does not belong in the profile or that has no name.
func read(s *profile.Sample) (out stack, ok bool) {
	for _, from := range s.Location {
		var l location
		for _, line := range from.Line {
			if line.Function == nil || line.Function.Name == "" || foreign(line.Function.Name) {
				return stack{}, false
			}
			f := frame{line.Function.Name, line.Function.StartLine, line.Line}
			l.frames = append(l.frames, f)
			l.key += f.function + "\x00" + strconv.FormatInt(f.start, 36) + ":" + strconv.FormatInt(f.line, 36) + "\x00"
		}
		if len(l.frames) == 0 {
			return stack{}, false
		}
		out.locations = append(out.locations, l)
		out.key += l.key + "\x01"
	}
	return out, len(out.locations) > 0
}

// foreign reports whether samples with this function are left out.
func foreign(function string) bool {
	p := packageOf(function)
	return p == "crypto" || strings.HasPrefix(p, "crypto/") || p == "runtime/pprof"
}

// packageOf is the import path in a function's name: a/b.c of a/b.c.(*T[a/d.E]).F is not, a/b is. A function of the assembler may have none.
func packageOf(function string) string {
	function, _, _ = strings.Cut(function, "[") // type arguments have paths of their own
	last := strings.LastIndexByte(function, '/') + 1
	dot := strings.IndexByte(function[last:], '.')
	if dot < 0 {
		return ""
	}
	return function[:last+dot]
}

// build numbers what the stacks are made of in the order in which it comes.
func build(stacks []*stack) *profile.Profile {
	p := &profile.Profile{
		SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}}, PeriodType: &profile.ValueType{Type: "cpu", Unit: "nanoseconds"}, Period: period,
	}
	functions, locations := map[frame]*profile.Function{}, map[string]*profile.Location{}
	function := func(f frame) *profile.Function {
		f.line = 0
		if functions[f] == nil {
			functions[f] = &profile.Function{ID: uint64(len(p.Function) + 1), Name: f.function, SystemName: f.function, StartLine: f.start}
			p.Function = append(p.Function, functions[f])
		}
		return functions[f]
	}
	for _, s := range stacks {
		sample := &profile.Sample{Value: []int64{int64(math.Round(s.weight))}}
		for _, l := range s.locations {
			at := locations[l.key]
			if at == nil {
				at = &profile.Location{ID: uint64(len(p.Location) + 1)}
				for _, f := range l.frames {
					at.Line = append(at.Line, profile.Line{Function: function(f), Line: f.line})
				}
				p.Location, locations[l.key] = append(p.Location, at), at
			}
			sample.Location = append(sample.Location, at)
		}
		p.Sample = append(p.Sample, sample)
	}
	return p
}
