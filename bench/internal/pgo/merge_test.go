package pgo

import (
	"bytes"
	"compress/gzip"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/pprof/profile"
)

const module = "example.com/m"

// recorded is a profile as a program on some machine gives it: each stack is a list of functions, the innermost first, "inlined<outer" for one location of two.
func recorded(role string, stacks map[string]int64) Recording {
	binary := &profile.Mapping{ID: 1, Start: 0x400000, Limit: 0x900000, File: "/home/somebody/bin/weir", BuildID: "fb3434c3", HasFunctions: true}
	p := &profile.Profile{
		SampleType:    []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}},
		PeriodType:    &profile.ValueType{Type: "cpu", Unit: "nanoseconds"},
		Period:        10_000_000,
		TimeNanos:     1_764_115_172_055_933_530,
		DurationNanos: 15_000_000_000,
		Comments:      []string{"/home/somebody wrote this"},
		Mapping:       []*profile.Mapping{binary},
	}
	for text, n := range stacks {
		s := &profile.Sample{Value: []int64{n, n * 10_000_000}, Label: map[string][]string{"host": {"somebodys-machine"}}}
		for _, at := range strings.Fields(text) {
			l := &profile.Location{ID: uint64(len(p.Location) + 1), Mapping: binary, Address: 0x400000 + uint64(len(p.Location))}
			for _, name := range strings.Split(at, "<") {
				f := &profile.Function{ID: uint64(len(p.Function) + 1), Name: name, SystemName: name, Filename: "/home/somebody/m/file.go", StartLine: 10}
				p.Function = append(p.Function, f)
				l.Line = append(l.Line, profile.Line{Function: f, Line: 17, Column: 3})
			}
			p.Location = append(p.Location, l)
			s.Location = append(s.Location, l)
		}
		p.Sample = append(p.Sample, s)
	}
	return Recording{Role: role, Profile: p}
}

func written(t *testing.T, p *profile.Profile) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// weights are the values of the samples by the names of their functions.
func weights(p *profile.Profile) map[string]int64 {
	out := map[string]int64{}
	for _, s := range p.Sample {
		var names []string
		for _, l := range s.Location {
			var in []string
			for _, line := range l.Line {
				in = append(in, line.Function.Name)
			}
			names = append(names, strings.Join(in, "<"))
		}
		out[strings.Join(names, " ")] += s.Value[0]
	}
	return out
}

const (
	hot  = "syscall.Read " + module + "/serve.(*conn).run"
	plan = module + "/plan.key<" + module + "/plan.Plan " + module + "/serve.(*conn).run"
	miss = module + "/cache.(*Store[" + module + "/crypto.Kind]).Put " + module + "/serve.(*conn).run"
)

func TestEachRoleWeighsTheSame(t *testing.T) {
	p, all, err := Merge([]Recording{recorded("hit", map[string]int64{hot: 30, plan: 10}), recorded("miss", map[string]int64{hot: 500, miss: 1500})})
	if err != nil {
		t.Fatal(err)
	}
	got := weights(p)
	for stack, want := range map[string]int64{hot: roleWeight, plan: roleWeight / 4, miss: roleWeight * 3 / 4} { // hot is ¾ of one and ¼ of the other
		if math.Abs(float64(got[stack]-want)) > 2 {
			t.Errorf("%s weighs %d, want %d", stack, got[stack], want)
		}
	}
	if len(got) != 3 || len(p.Sample) != 3 {
		t.Errorf("%d samples: %v", len(p.Sample), got)
	}
	if weight := p.Sample[0].Value[0]; weight != got[hot] {
		t.Errorf("the heaviest does not come first: %d", weight)
	}
	if s := all[1]; s.Role != "miss" || s.Samples != 2000 || s.Dropped != 0 || len(s.Top) != 2 || s.Top[1] != (Share{"syscall.Read", 0.25}) {
		t.Errorf("%+v", s)
	}
}

func TestCryptoAndTheProfilerAreLeftOut(t *testing.T) {
	dropped := map[string]int64{
		"crypto/internal/fips140/sha256.block crypto/sha256.Sum256 " + module + "/plan.Plan":               1,
		"runtime.memmove crypto/sha256.(*Digest).Write " + module + "/plan.Plan":                           2, // not the innermost
		"crypto/sha256.New<crypto/sha256.Sum256<" + module + "/plan.Plan " + module + "/serve.(*conn).run": 4, // inlined
		"runtime.memmove runtime/pprof.(*profileBuilder).build":                                            8,
		"": 16, // without a name
	}
	stacks := map[string]int64{hot: 3, miss: 1}
	for stack, n := range dropped {
		stacks[stack] = n
	}
	p, all, err := Merge([]Recording{recorded("hit", stacks)})
	if err != nil {
		t.Fatal(err)
	}
	if got := weights(p); len(got) != 2 || got[hot] != roleWeight*3/4 {
		t.Errorf("%v", got)
	}
	if all[0].Samples != 4 || all[0].Dropped != 31 {
		t.Errorf("%+v", all[0])
	}
	for _, f := range p.Function {
		if strings.HasPrefix(f.Name, "crypto/") || strings.HasPrefix(f.Name, "runtime/pprof.") {
			t.Errorf("%s is still there", f.Name)
		}
	}
}

func TestNothingOfTheMachineIsLeft(t *testing.T) {
	one := recorded("hit", map[string]int64{hot: 30, plan: 10})
	p, _, err := Merge([]Recording{one})
	if err != nil {
		t.Fatal(err)
	}
	raw := written(t, p)
	unpacked := plainOf(t, raw)
	for _, part := range []string{"/home", "somebody", "fb3434c3", ".go"} {
		if bytes.Contains(unpacked, []byte(part)) {
			t.Errorf("%q is in the profile", part)
		}
	}
	if p.TimeNanos != 0 || p.DurationNanos != 0 || len(p.Mapping) != 0 || len(p.Comments) != 0 {
		t.Errorf("%+v", p)
	}
	for range 5 { // maps have no order
		again, _, err := Merge([]Recording{recorded("hit", map[string]int64{plan: 10, hot: 30})})
		if err != nil || !bytes.Equal(written(t, again), raw) {
			t.Fatalf("the same recordings gave other bytes: %v", err)
		}
	}
}

func plainOf(t *testing.T, raw []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// The edges that the compiler takes are those of the recording: caller, callee, line within the caller.
func TestTheCompilerReadsIt(t *testing.T) {
	p, _, err := Merge([]Recording{recorded("hit", map[string]int64{hot: 30, plan: 10})})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "merged.pgo")
	if err := os.WriteFile(file, written(t, p), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "tool", "preprofile", "-i", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\n" + module + "/serve.(*conn).run\nsyscall.Read\n7 750000\n", "\n" + module + "/plan.Plan\n" + module + "/plan.key\n7 250000\n",
		"\n" + module + "/serve.(*conn).run\n" + module + "/plan.Plan\n7 250000\n",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

// What stands in the repository must be what Merge gives: no crypto, nothing of a machine.
func TestTheProfileOfTheRepositoryIsClean(t *testing.T) {
	raw, err := os.ReadFile("../../../proxy/cmd/weir/default.pgo")
	if err != nil {
		t.Fatal(err)
	}
	p, err := profile.ParseData(raw)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Mapping) > 0 || len(p.Comments) > 0 || p.TimeNanos != 0 {
		t.Errorf("mappings %v, comments %q, time %d; weir-bench profile makes it without", p.Mapping, p.Comments, p.TimeNanos)
	}
	for _, f := range p.Function {
		if f.Filename != "" || foreign(f.Name) {
			t.Fatalf("%s, file %q; weir-bench profile makes it without", f.Name, f.Filename)
		}
	}
}

func TestWhatCannotBeMerged(t *testing.T) {
	heap := recorded("hit", map[string]int64{hot: 1})
	heap.Profile.SampleType[0].Type = "alloc_objects"
	for want, list := range map[string][]Recording{
		"no recording":                   nil,
		"hit: this is no processor":      {heap},
		"relay: no sample is left of 7:": {recorded("hit", map[string]int64{hot: 1}), recorded("relay", map[string]int64{"crypto/sha256.Sum256": 7})},
	} {
		if _, _, err := Merge(list); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestPackageOf(t *testing.T) {
	for function, want := range map[string]string{
		"memeqbody": "", "runtime.memmove": "runtime", "crypto/sha256.Sum256": "crypto/sha256", "a.b/c.(*T[d/e.F]).G.func1": "a.b/c", "a.b/c.F[go.shape.struct { x/y.z int }]": "a.b/c",
	} {
		if got := packageOf(function); got != want {
			t.Errorf("%s: %q, want %q", function, got, want)
		}
	}
}
