package result

import (
	"strings"
	"testing"
	"time"
)

func TestMergedHistogramsAreThoseOfOneMachine(t *testing.T) {
	a, b, c := small(1), small(2), small(3)
	var one Histogram
	for _, f := range []*File{a, b, c} {
		one.Merge(f.Run.Total.Latency)
	}
	m, err := Merge(a, b, c)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []float64{0, 50, 90, 99, 99.9, 100} {
		if got, want := m.Run.Total.Latency.At(p), one.At(p); got != want {
			t.Errorf("p%v: %d, want %d", p, got, want)
		}
	}
	r := m.Run
	if r.Total.Requests != 3000 || r.Total.Hits != 2100 || r.Total.Rate != 300 || r.Connections != 12 || r.Arrivals != "3 x constant:100" || len(m.Machines) != 3 || len(r.Targets) != 1 {
		t.Errorf("%+v", r)
	}
	if len(r.Operations) != 1 || r.Operations[0].Stats.Latency.Count() != 3000 {
		t.Errorf("%+v", r.Operations)
	}
	if len(r.Series) != 10 || r.Series[4].At != 5 || r.Series[4].Requests != 300 || r.Series[4].P99 != 1453 {
		t.Errorf("%+v", r.Series)
	}
	if len(m.Warnings) != 0 {
		t.Errorf("%+v", m.Warnings)
	}
	if a.Run.Total.Latency.Count() != 1000 || a.Run.Series[0].Requests != 100 {
		t.Error("merging changed what was merged")
	}
	again, err := Merge(m)
	if err != nil || again.Run.Total.Requests != 3000 || len(again.Machines) != 3 {
		t.Errorf("%v: a merged result does not merge again", err)
	}
}

func TestMergedSecondsAreMatchedByTheClock(t *testing.T) {
	a, b := small(1), small(2)
	b.Started = a.Started.Add(3 * time.Second)
	b.Warnings = []Warning{{WarnNoisy, "moved"}}
	b.Partial = "interrupted"
	b.Run.Thresholds = []Threshold{{Condition: "p99=1ms", Value: 1.4, Limit: 1}}
	a.Run.Thresholds = []Threshold{{Condition: "p99=1ms", Value: 0.4, Limit: 1, Pass: true}}
	m, err := Merge(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if s := m.Run.Series; len(s) != 13 || s[0].Requests != 100 || s[3].Requests != 200 || s[12].Requests != 100 || m.Seconds != 13 {
		t.Errorf("%v s %+v", m.Seconds, s)
	}
	var texts []string
	for _, w := range m.Warnings {
		texts = append(texts, w.Code+" "+w.Text)
	}
	if text := strings.Join(texts, "\n"); !strings.Contains(text, "too-noisy machine 2: moved") || !strings.Contains(text, "the last was 3.0 s behind") {
		t.Error(text)
	}
	if m.Partial != "machine 2: interrupted" || len(m.Run.Thresholds) != 1 || m.Run.Thresholds[0].Pass {
		t.Errorf("%q %+v", m.Partial, m.Run.Thresholds)
	}
}

func TestWhatIsNotOneLoadIsNotMerged(t *testing.T) {
	for want, change := range map[string]func(*File){
		"it holds no run":                     func(f *File) { f.Run = nil },
		"comparisons or tables":               func(f *File) { f.Compare = new(Compare) },
		"a search of the highest rate":        func(f *File) { f.Run.Search = []Step{{Rate: 1}} },
		`its workload is "b.yaml"`:            func(f *File) { f.Run.Workload = "b.yaml" },
		"its loop is closed":                  func(f *File) { f.Run.Loop = "closed" },
		"its subscriptions differ":            func(f *File) { f.Run.Subscriptions = new(Subscriptions) },
		"did not run at the same time as res": func(f *File) { f.Started = f.Started.Add(8 * time.Second) },
		"it is there twice":                   func(f *File) { *f = *small(1) },
	} {
		b := small(2)
		change(b)
		if _, err := Merge(small(1), b); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "result 2 of 2 cannot be merged: ") {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := Merge(); err == nil {
		t.Error("nothing was merged")
	}
}
