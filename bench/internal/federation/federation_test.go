package federation

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirproxy/weir/bench/internal/result"
)

func recorded(t *testing.T) []record {
	t.Helper()
	raw, err := os.ReadFile("testdata/records.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	records, err := parse(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return records
}

func find(rows []result.Row, name string) *result.Row {
	for i := range rows {
		if rows[i].Row == name {
			return &rows[i]
		}
	}
	return nil
}

// The rows of a small run whose figures are easy: Weir 200 µs beside a floor of 100, Hive Router 500 beside 100.
func TestRowsAreJudged(t *testing.T) {
	table := judge(recorded(t))
	for _, c := range []struct {
		row    string
		median float64
		pass   bool
	}{
		{"1", 2, true},
		{"1 hive", 0.4, true},
		{"2", 1.8, false},
		{"2 fetches", 4, true},
		{"3", 1.5, true},
		{"4", 1.2, true},
		{"4 hive", 0.4, true},
		{"5 big", 0.5, true},
		{"6 p50", 0.5, true},
		{"6 p99", 0.75, false},
		{"8", 40, true},
	} {
		r := find(table.Gates, c.row)
		if r == nil {
			t.Errorf("row %s is missing", c.row)
			continue
		}
		if math.Abs(r.Value.Median-c.median) > 1e-9 || r.Pass != c.pass {
			t.Errorf("row %s: %v, pass %v; want %v, %v", c.row, r.Value.Median, r.Pass, c.median, c.pass)
		}
	}
	if len(table.Labels) != len(table.Rows) || table.Labels[0] != "big, weir" || table.Rows[0][1] != 2 {
		t.Errorf("%q %v", table.Labels, table.Rows)
	}
}

// Without Hive Router its rows are absent, not held.
func TestNothingIsSaidOfWhoWasNotThere(t *testing.T) {
	var own []record
	for _, r := range recorded(t) {
		if !strings.HasPrefix(r.Target, "hive") {
			own = append(own, r)
		}
	}
	for _, r := range gates(own) {
		if strings.Contains(r.What, "Hive") {
			t.Errorf("%+v", r)
		}
	}
}

func TestBrokenRecords(t *testing.T) {
	for text, want := range map[string]string{
		`{"target":"weir","query":"big","error":"wrong answer"}`:                       "weir, big: wrong answer",
		`{"target":"weir","query":"big","own":[{"CPU":1,"Errs":2}],"ref":[{"CPU":1}]}`: "errors under load",
		`{"target":"weir","query":"big","own":[{"CPU":1}],"ref":[]}`:                   "1 slices beside 0",
		`{"target":`: "the kit wrote",
	} {
		if _, err := parse(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestOthersThatRanAreTold(t *testing.T) {
	quiet := record{Own: []slice{{Foreign: 0.1}}, Ref: []slice{{Foreign: 0.2}}}
	if w := noisy([]record{quiet}); w != nil {
		t.Errorf("%v", w)
	}
	quiet.Ref[0].Foreign = 0.5
	if w := noisy([]record{quiet}); len(w) != 1 || w[0].Code != result.WarnNoisy {
		t.Errorf("%v", w)
	}
}

func TestAKitThatIsNotThere(t *testing.T) {
	_, _, err := Run(context.Background(), Config{Weir: "weir", Kit: filepath.Join(t.TempDir(), "none")})
	if err == nil || !strings.Contains(err.Error(), "--fedbench") {
		t.Errorf("%v", err)
	}
}
