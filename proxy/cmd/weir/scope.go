package main

import (
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/scope"
)

// printScope tells who shares the answer, and why.
func printScope(row func(name, format string, args ...any), d *planner.Description, rules *scope.Config) {
	if d.Kind != planner.KindQuery || !d.Valid {
		return
	}
	c, known := &d.Cache, rules.Tells()
	class, why := scope.Class(c.Share), c.ShareReason
	if c.Private {
		class, why = scope.User, "the schema marks it PRIVATE"
	}
	if c.Given || c.Private || class == scope.User {
		row("scope", "%s: %s", class, why)
		if !known[class] {
			row("", "no rule of policy.scope tells a %s, so the answer is never kept", class)
		}
		return
	}
	if class == scope.Public {
		row("scope", "public without credentials%s", because(why))
	} else {
		row("scope", "never kept without credentials%s", because(why))
	}
	for _, r := range rules.Classes() {
		of, also := max(r.Class, class), because(why)
		if of == r.Class {
			also = ": policy.scope.types is silent on " + c.Open
		}
		row("", "%s with %s%s", of, r.Credentials, also)
	}
	if len(rules.Classes()) == 0 {
		row("", "never kept with Authorization or Cookie: no rule of policy.scope reads them")
	}
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return ": " + why
}
