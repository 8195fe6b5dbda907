package report

import (
	"bytes"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/bench/internal/result"
)

// scramble fills a value with figures at the edges of what there can be.
func scramble(rng *rand.Rand, v reflect.Value, depth int) {
	if h, ok := v.Addr().Interface().(*result.Histogram); ok {
		for range rng.IntN(3) {
			h.Record(time.Duration(math.Exp(rng.Float64() * 30)))
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if rng.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			scramble(rng, v.Elem(), depth+1)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), rng.IntN(5), 5))
		for i := range v.Len() {
			scramble(rng, v.Index(i), depth+1)
		}
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]int64{hostile: rng.Int64N(9), "": 0}))
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				scramble(rng, v.Field(i), depth+1)
			}
		}
	case reflect.String:
		v.SetString([]string{"", "a", hostile, "p99=1ms", "=", strings.Repeat("\u00e4\x00\xff", 40)}[rng.IntN(6)])
	case reflect.Int, reflect.Int64:
		v.SetInt([]int64{0, 1, 2, 1000, 1 << 50}[rng.IntN(5)])
	case reflect.Float64:
		v.SetFloat([]float64{0, 1, -1, 0.1, 1e-320, 1e9, 1e308, -1e308, math.NaN(), math.Inf(1)}[rng.IntN(10)])
	case reflect.Bool:
		v.SetBool(rng.IntN(2) == 0)
	}
}

// TestRandomResultsAreDrawn: no figure and no text makes the page fail, show that it is none, or hold more than one script.
func TestRandomResultsAreDrawn(t *testing.T) {
	rng, drawn := rand.New(rand.NewPCG(6, 6)), 0
	for range 400 {
		f := new(result.File)
		scramble(rng, reflect.ValueOf(f).Elem(), 0)
		for i := range f.Tables {
			fit(rng, &f.Tables[i])
		}
		if f.Run != nil {
			f.Run.Loop = "open"
			slices.SortFunc(f.Run.Series, func(a, b result.Second) int { return int(a.Requests - b.Requests) })
		}
		var page, text bytes.Buffer
		if err := HTML(&page, f, nil); err != nil {
			t.Fatal(err)
		}
		if err := Markdown(&text, f, nil); err != nil {
			t.Fatal(err)
		}
		for i := range f.Tables {
			if err := SVG(&text, &f.Tables[i]); err == nil {
				drawn++
			}
		}
		if n := bytes.Count(page.Bytes(), []byte("<script")); n != 1 {
			t.Fatalf("%d scripts", n)
		}
		for _, word := range []string{"NaN", "Inf"} {
			for line := range strings.Lines(page.String()) {
				if i := strings.Index(line, word); i >= 0 {
					t.Fatalf("%s: …%s", word, line[max(0, i-200):min(len(line), i+100)])
				}
			}
		}
	}
	if drawn < 50 {
		t.Errorf("only %d plots were drawn", drawn)
	}
}

// fit makes a table that Check takes.
func fit(rng *rand.Rand, t *result.Table) {
	if len(t.Columns) == 0 {
		t.Columns = []result.Column{{Name: hostile}}
	}
	t.Labels = nil
	for i := range t.Rows {
		t.Rows[i] = make([]float64, len(t.Columns))
		for j := range t.Rows[i] {
			scramble(rng, reflect.ValueOf(&t.Rows[i][j]).Elem(), 0)
		}
	}
	if rng.IntN(2) == 0 {
		for range t.Rows {
			t.Labels = append(t.Labels, hostile)
		}
	}
	if t.Plot != nil {
		t.Plot.X %= len(t.Columns)
		for i := range t.Plot.Y {
			t.Plot.Y[i] %= len(t.Columns)
		}
	}
}
