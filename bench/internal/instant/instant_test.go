package instant

import (
	"strconv"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	want := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for _, text := range []string{
		"1772600767", "1772600767.0", "1772600767000", "1772600767000.0", "1772600767000000", "1772600767000000000", "1.772600767e9",
		`"2026-03-04T05:06:07Z"`, `"2026-03-04T06:06:07.000000+01:00"`, `"1772600767000"`, `"2026-03-04T05:06:07\u005a"`,
	} {
		if got, ok := Parse([]byte(text)); !ok || !got.Equal(want) {
			t.Errorf("%s is %v, want %v", text, got, want)
		}
	}
	for _, text := range []string{"", "null", "true", "0", "-5", `"now"`, `""`, "[]", "{}", "1e400"} {
		if got, ok := Parse([]byte(text)); ok {
			t.Errorf("%s is %v", text, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("1772600767000")
	f.Add(`"2026-03-04T05:06:07Z"`)
	f.Fuzz(func(t *testing.T, raw string) {
		got, ok := Parse([]byte(raw))
		if !ok || got.UTC().Year() < 0 || got.UTC().Year() > 9999 {
			return
		}
		if again, ok := Parse([]byte(strconv.Quote(got.UTC().Format(time.RFC3339Nano)))); !ok || !again.Equal(got) {
			t.Errorf("%s is %v, which is %v", raw, got, again)
		}
	})
}
