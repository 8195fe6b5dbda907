package cachecontrol

import "testing"

func TestControlIsReadAsASharedCacheDoes(t *testing.T) {
	none := Control{MaxAge: -1, SharedAge: -1, StaleWhile: -1, StaleIf: -1}
	for _, c := range []struct {
		value string
		want  func(*Control)
	}{
		{"", func(*Control) {}},
		{"no-store", func(c *Control) { c.NoStore = true }},
		{"NO-CACHE", func(c *Control) { c.NoCache = true }},
		{`private="set-cookie, x", max-age=5`, func(c *Control) { c.Private, c.MaxAge = true, 5 }},
		{"public,max-age=60 , s-maxage=30", func(c *Control) { c.Public, c.MaxAge, c.SharedAge = true, 60, 30 }},
		{"max-age=60, max-age=10", func(c *Control) { c.MaxAge = 10 }},
		{"max-age=10, max-age=60", func(c *Control) { c.MaxAge = 10 }},
		{"s-maxage=0, s-maxage=60", func(c *Control) { c.SharedAge = 0 }},
		{`max-age="60"`, func(c *Control) { c.MaxAge = 60 }},
		{"max-age=-1", func(c *Control) { c.MaxAge = 0 }},
		{"max-age", func(c *Control) { c.MaxAge = 0 }},
		{"max-age=1.5", func(c *Control) { c.MaxAge = 0 }},
		{"max-age=99999999999999999999", func(c *Control) { c.MaxAge = 1 << 31 }},
		{`x="a, max-age=9, public", y`, func(*Control) {}},
		{`x="a\", max-age=9"`, func(*Control) {}},
		{"must-revalidate", func(c *Control) { c.Revalidate, c.MustRevalidate = true, true }},
		{"stale-while-revalidate=3, stale-if-error=4", func(c *Control) { c.StaleWhile, c.StaleIf = 3, 4 }},
		{", ,=,max-age=1", func(c *Control) { c.MaxAge = 1 }},
	} {
		want := none
		c.want(&want)
		want.Present = c.value != ""
		if got := Parse([]byte(c.value)); got != want {
			t.Errorf("%q: %+v, want %+v", c.value, got, want)
		}
	}
}

func TestWhoMayKeepWhat(t *testing.T) {
	for value, want := range map[string][2]bool{ // for one user alone, for several
		"":                             {true, true},
		"max-age=60":                   {true, true},
		"public, max-age=60":           {true, true},
		"private, max-age=60":          {true, false},
		`private="x-name", max-age=60`: {true, false},
		"no-store":                     {},
		"no-cache, max-age=60":         {},
		`no-cache="x-name"`:            {},
		"public, s-maxage=9, no-store": {},
		"private, no-store":            {},
	} {
		c := Parse([]byte(value))
		if got := [2]bool{!c.Forbids(true), !c.Forbids(false)}; got != want {
			t.Errorf("%q may be kept: %v, want %v", value, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("public, max-age=60, s-maxage=\"1\"")
	f.Fuzz(func(t *testing.T, value string) {
		c := Parse([]byte(value))
		for _, n := range []int64{c.MaxAge, c.SharedAge, c.StaleWhile, c.StaleIf} {
			if n < -1 || n > 1<<31 {
				t.Errorf("%q: %+v", value, c)
			}
		}
		if d, ok := c.TTL(); ok && d < 0 {
			t.Errorf("%q lives for %v", value, d)
		}
	})
}
