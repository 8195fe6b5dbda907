package glob

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"City:*", "City:5", true},
		{"City:*", "City", false},
		{"City:*", "City:", true},
		{"City:*-eu", "City:7-eu", true},
		{"City:*-eu", "City:7-eu-eu", true},
		{"City:*-eu", "City:7-us", false},
		{"Query.*(*)", "Query.city(00ff)", true},
		{"Query.*(*)", "Query.city", false},
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"a*b*c", "aXbYbZc", true},
		{"a*b*c", "aXcYb", false},
	} {
		if got := Match(c.pattern, []byte(c.name)); got != c.want {
			t.Errorf("%q %q: %v", c.pattern, c.name, got)
		}
	}
}

func TestMatchSaysWhatARegularExpressionSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*]{0,8}`).Draw(t, "pattern")
		name := rapid.StringMatching(`[ab]{0,12}`).Draw(t, "name")
		want := regexp.MustCompile("^" + strings.ReplaceAll(pattern, "*", ".*") + "$").MatchString(name)
		if got := Match(pattern, []byte(name)); got != want {
			t.Fatalf("%q %q: %v, want %v", pattern, name, got, want)
		}
	})
}

// A pattern of many stars must not take time that grows exponentially.
func TestHostilePatternIsCheap(t *testing.T) {
	name := []byte(strings.Repeat("a", 512))
	begin := time.Now()
	for range 100 {
		if Match(strings.Repeat("a*", 200)+"b", name) {
			t.Fatal("matches")
		}
	}
	if d := time.Since(begin); d > 2*time.Second {
		t.Errorf("100 matches took %v", d)
	}
}
