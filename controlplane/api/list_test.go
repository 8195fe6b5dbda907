package api

import (
	"slices"
	"testing"
)

func TestListsAreSplitAtCommasThatAreNotEscaped(t *testing.T) {
	for text, want := range map[string][]string{
		"":                     nil,
		" , ,":                 nil,
		"City:5":               {"City:5"},
		" City:5 ,  City:6,":   {"City:5", "City:6"},
		`near(48\,2), City:5`:  {"near(48,2)", "City:5"},
		`a\\,b`:                {`a\`, "b"},
		`a\\\,b`:               {`a\,b`},
		`C:\x`:                 {`C:\x`},
		`a\`:                   {`a\`},
		`\,`:                   {","},
		"é, ü":                 {"é", "ü"},
		`Query.b("x\, y", 1\)`: {`Query.b("x, y"`, `1\)`},
	} {
		if got := SplitList(text); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
