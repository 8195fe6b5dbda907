package demo

import "testing"

func TestUSD(t *testing.T) {
	for text, want := range map[string]USD{
		"0": 0, "1": 1_000_000_000_000, "0.000000000001": 1, "-0.5": -500_000_000_000, "12.345": 12_345_000_000_000, "9000000.000000000001": 9_000_000_000_000_000_001,
	} {
		got, err := ParseUSD(text)
		if err != nil || got != want {
			t.Errorf("%s: %d %v", text, got, err)
		}
		if again, err := ParseUSD(got.String()); err != nil || again != got {
			t.Errorf("%s prints as %s", text, got)
		}
	}
	for _, text := range []string{"", ".5", "-", "1.0000000000001", "1e3", "99999999999", "+1", "1.2.3"} {
		if got, err := ParseUSD(text); err == nil {
			t.Errorf("%q was read as %d", text, got)
		}
	}
	if s := USD(-1).String(); s != "-0.000000000001" {
		t.Error(s)
	}
}
