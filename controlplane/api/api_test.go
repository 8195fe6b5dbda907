package api

import (
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
	"time"
)

func code(err error) string {
	var refused *Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &refused):
		if refused.Message == "" || refused.Cure == "" || refused.Status < 400 {
			return "without message, cure or status: " + refused.Code
		}
		return refused.Code
	}
	return "not an *Error: " + err.Error()
}

func TestCommandValidation(t *testing.T) {
	p := func(pairs ...string) map[string]string {
		m := make(map[string]string)
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	for name, c := range map[string]struct {
		spec CommandSpec
		want string
	}{
		"serve stale":           {CommandSpec{Kind: KindServeStale}, ""},
		"of an operation":       {CommandSpec{Kind: KindServeStale, Operation: "Cities", Service: "geo", TTL: "1h", Observe: true, Reason: "why"}, ""},
		"no kind":               {CommandSpec{}, "command.kind"},
		"unknown kind":          {CommandSpec{Kind: "teleport"}, "command.kind"},
		"ttl not a time":        {CommandSpec{Kind: KindServeStale, TTL: "soon"}, "command.ttl"},
		"ttl without unit":      {CommandSpec{Kind: KindServeStale, TTL: "5"}, "command.ttl"},
		"ttl zero":              {CommandSpec{Kind: KindServeStale, TTL: "0s"}, "command.ttl"},
		"ttl negative":          {CommandSpec{Kind: KindServeStale, TTL: "-5m"}, "command.ttl"},
		"ttl too long":          {CommandSpec{Kind: KindServeStale, TTL: "61m"}, "command.ttl"},
		"disable all":           {CommandSpec{Kind: KindDisableOperation}, "command.operation"},
		"disable one":           {CommandSpec{Kind: KindDisableOperation, Operation: "Export"}, ""},
		"bad service":           {CommandSpec{Kind: KindServeStale, Service: "a/b"}, "service"},
		"bad operation":         {CommandSpec{Kind: KindServeStale, Operation: "a b"}, "operation"},
		"long operation":        {CommandSpec{Kind: KindServeStale, Operation: strings.Repeat("o", 257)}, "operation"},
		"long reason":           {CommandSpec{Kind: KindServeStale, Reason: strings.Repeat("r", 1025)}, "reason"},
		"foreign param":         {CommandSpec{Kind: KindServeStale, Params: p("ttl", "5s")}, "command.params"},
		"rate":                  {CommandSpec{Kind: KindRateLimit, Params: p("per_second", "0.5", "burst", "3")}, ""},
		"rate without burst":    {CommandSpec{Kind: KindRateLimit, Params: p("per_second", "100")}, ""},
		"rate missing":          {CommandSpec{Kind: KindRateLimit, Params: p("burst", "3")}, "command.params"},
		"rate zero":             {CommandSpec{Kind: KindRateLimit, Params: p("per_second", "0")}, "command.params"},
		"rate NaN":              {CommandSpec{Kind: KindRateLimit, Params: p("per_second", "NaN")}, "command.params"},
		"rate Inf":              {CommandSpec{Kind: KindRateLimit, Params: p("per_second", "Inf")}, "command.params"},
		"burst zero":            {CommandSpec{Kind: KindRateLimit, Params: p("per_second", "1", "burst", "0")}, "command.params"},
		"burst with fraction":   {CommandSpec{Kind: KindRateLimit, Params: p("per_second", "1", "burst", "1.5")}, "command.params"},
		"set ttl":               {CommandSpec{Kind: KindSetTTL, Params: p("ttl", "30s")}, ""},
		"set ttl missing":       {CommandSpec{Kind: KindSetTTL}, "command.params"},
		"set ttl zero":          {CommandSpec{Kind: KindSetTTL, Params: p("ttl", "0s")}, "command.params"},
		"set ttl for ever":      {CommandSpec{Kind: KindSetTTL, Params: p("ttl", "10000h")}, "command.params"},
		"bypass":                {CommandSpec{Kind: KindBypassCache, Operation: "Me"}, ""},
		"invalidate tags":       {CommandSpec{Kind: KindInvalidate, Params: p("tags", "City:5, City:6", "soft", "true")}, ""},
		"invalidate types":      {CommandSpec{Kind: KindInvalidate, Params: p("types", "City")}, ""},
		"invalidate prefixes":   {CommandSpec{Kind: KindInvalidate, Params: p("prefixes", "City:")}, ""},
		"invalidate patterns":   {CommandSpec{Kind: KindInvalidate, Params: p("patterns", "City:*,Query.*(*)")}, ""},
		"invalidate all by *":   {CommandSpec{Kind: KindInvalidate, Params: p("patterns", "City:*,*")}, "command.params"},
		"invalidate @ pattern":  {CommandSpec{Kind: KindInvalidate, Params: p("patterns", "@op:*")}, "command.params"},
		"invalidate cut":        {CommandSpec{Kind: KindInvalidate, Params: p("patterns", "Query.b(a,b*)")}, "command.params"},
		"invalidate operations": {CommandSpec{Kind: KindInvalidate, Params: p("operations", "Me,Home")}, ""},
		"invalidate long op":    {CommandSpec{Kind: KindInvalidate, Params: p("operations", strings.Repeat("a", MaxOperation+1))}, "command.params"},
		"invalidate many *":     {CommandSpec{Kind: KindInvalidate, Params: p("patterns", strings.Repeat("a*,", MaxPatterns+1))}, "command.params"},
		"invalidate tenants":    {CommandSpec{Kind: KindInvalidate, Params: p("tenants", "acme, @home")}, ""},
		"invalidate comma":      {CommandSpec{Kind: KindInvalidate, Params: p("tags", `Query.near(48\,2)`)}, ""},
		"invalidate cut tag":    {CommandSpec{Kind: KindInvalidate, Params: p("tags", `Query.near(48,2)`)}, "command.params"},
		"invalidate @ tag":      {CommandSpec{Kind: KindInvalidate, Params: p("tags", "@op:Home")}, "command.params"},
		"invalidate @ prefix":   {CommandSpec{Kind: KindInvalidate, Params: p("prefixes", "@")}, "command.params"},
		"invalidate @ type":     {CommandSpec{Kind: KindInvalidate, Params: p("types", "@tenant:x")}, "command.params"},
		"invalidate wide":       {CommandSpec{Kind: KindInvalidate, Params: p("patterns", strings.Repeat("a*,", MaxPatterns), "prefixes", "b")}, "command.params"},
		"invalidate all":        {CommandSpec{Kind: KindInvalidate, Params: p("all", "true", "confirm", "all", "soft", "true")}, ""},
		"invalidate all meant?": {CommandSpec{Kind: KindInvalidate, Params: p("all", "true")}, "command.params"},
		"invalidate all, yes":   {CommandSpec{Kind: KindInvalidate, Params: p("all", "true", "confirm", "yes")}, "command.params"},
		"invalidate all + part": {CommandSpec{Kind: KindInvalidate, Params: p("all", "true", "confirm", "all", "tags", "a")}, "command.params"},
		"invalidate all=1":      {CommandSpec{Kind: KindInvalidate, Params: p("all", "1", "confirm", "all")}, "command.params"},
		"invalidate not all":    {CommandSpec{Kind: KindInvalidate, Params: p("all", "false")}, "command.params"},
		"invalidate confirm":    {CommandSpec{Kind: KindInvalidate, Params: p("tags", "a", "confirm", "all")}, "command.params"},
		"invalidate nothing":    {CommandSpec{Kind: KindInvalidate, Params: p("tags", " , ")}, "command.params"},
		"invalidate operation":  {CommandSpec{Kind: KindInvalidate, Operation: "X", Params: p("types", "City")}, "command.operation"},
		"invalidate softly?":    {CommandSpec{Kind: KindInvalidate, Params: p("types", "City", "soft", "maybe")}, "command.params"},
		"invalidate too many":   {CommandSpec{Kind: KindInvalidate, Params: p("tags", strings.Repeat("a,", MaxListItems+1))}, "command.params"},
		"invalidate long item":  {CommandSpec{Kind: KindInvalidate, Params: p("tags", strings.Repeat("a", MaxListItemSize+1))}, "command.params"},
		"param too long":        {CommandSpec{Kind: KindInvalidate, Params: p("tags", strings.Repeat("a,", MaxParamBytes))}, "command.params"},
		"param not UTF-8":       {CommandSpec{Kind: KindInvalidate, Params: p("tags", "\xff")}, "command.params"},
	} {
		if got := code(c.spec.Validate()); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestLifetime(t *testing.T) {
	for text, want := range map[string]time.Duration{"": DefaultTTL, "1s": time.Second, "1h": time.Hour} {
		if got, err := (&CommandSpec{TTL: text}).Lifetime(); err != nil || got != want {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
}

func TestCheckConfig(t *testing.T) {
	for name, c := range map[string]struct{ doc, want string }{
		"a mapping":        {"cache:\n  enabled: true\n", ""},
		"one key":          {"a: 1", ""},
		"flow":             {"{a: 1, b: [1, 2]}", ""},
		"with comments":    {"# head\na: 1 # tail\n", ""},
		"with a marker":    {"---\na: 1\n", ""},
		"anchors":          {"a: &x {b: 1}\nc: *x\n", ""},
		"block text":       {"sdl: |\n  type Query { a: Int }\n", ""},
		"empty":            {"", "config.empty"},
		"white space":      {" \n\t\n", "config.empty"},
		"comments alone":   {"# nothing\n", "config.empty"},
		"a list":           {"- a\n- b\n", "config.yaml"},
		"a word":           {"hello", "config.yaml"},
		"open bracket":     {"a: [1", "config.yaml"},
		"two documents":    {"a: 1\n---\nb: 2\n", "config.yaml"},
		"bad indentation":  {"a:\n  b: 1\n c: 2\n", "config.yaml"},
		"not UTF-8":        {"a: \xff", "config.encoding"},
		"too large":        {"a: " + strings.Repeat("x", MaxConfigBytes), "config.size"},
		"brackets":         {strings.Repeat("[", 500_000), "config.depth"},
		"braces":           {"a: " + strings.Repeat("{a: ", 100_000), "config.depth"},
		"dashes":           {strings.Repeat("- ", 500_000), "config.depth"},
		"question marks":   {strings.Repeat("? ", 500_000), "config.depth"},
		"CRLF":             {"a: 1\r\nb: 2\r\n", ""},
		"CR alone":         {"a: |\n  " + strings.Repeat("\r", 100_000), "config.encoding"},
		"blank lines":      {"a: |\n  " + strings.Repeat("\n", 15_000) + "b", "config.shape"},
		"blanks of spaces": {"a: |\n  x\n" + strings.Repeat("  \r\n", 15_000) + "b", "config.shape"},
		"many lines":       {strings.Repeat("# x\n", 100_000) + "a: 1", "config.shape"},
		"many commas":      {"a: [" + strings.Repeat("1,", 100_000) + "1]", "config.shape"},
		"deep indentation": {deep(1000), "config.depth"},
	} {
		if got := code(CheckConfig([]byte(c.doc))); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if err := CheckConfig([]byte("a: 1\nb: [1\n")); !strings.Contains(err.Error(), "2:4") {
		t.Errorf("no line and column in %v", err)
	}
}

func deep(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i))
		b.WriteString("a:\n")
	}
	return b.String()
}

func TestSignature(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	hash := Hash([]byte("a: 1"))
	signature := SignSnapshot(private, 3, "geo", hash)
	if err := VerifySnapshot(public, 3, "geo", hash, signature); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"version":   VerifySnapshot(public, 4, "geo", hash, signature),
		"scope":     VerifySnapshot(public, 3, "", hash, signature),
		"hash":      VerifySnapshot(public, 3, "geo", Hash([]byte("a: 2")), signature),
		"none":      VerifySnapshot(public, 3, "geo", hash, nil),
		"short key": VerifySnapshot(public[:5], 3, "geo", hash, signature),
	} {
		if !errors.Is(err, ErrSignature) {
			t.Errorf("%s altered: %v", name, err)
		}
	}
	// Moving a byte from one part to the next must give other bytes.
	if string(SnapshotBytes(1, "ab", "c")) == string(SnapshotBytes(1, "a", "bc")) {
		t.Error("parts run into each other")
	}
}

// FuzzCommand: validation never panics, and what it accepts has a bounded life and parameters that are accepted on their own.
func FuzzCommand(f *testing.F) {
	f.Add("serve_stale", "Cities", "geo", "5m", "", "", "why")
	f.Add("rate_limit", "", "", "", "per_second", "5", "")
	f.Add("set_ttl", "", "", "1s", "ttl", "1h", "")
	f.Add("invalidate", "", "", "", "tags", "City:5,,City:6", "")
	f.Fuzz(func(t *testing.T, kind, operation, service, ttl, name, value, reason string) {
		spec := CommandSpec{Kind: kind, Operation: operation, Service: service, TTL: ttl, Reason: reason}
		if name != "" {
			spec.Params = map[string]string{name: value}
		}
		if err := spec.Validate(); err != nil {
			if c := code(err); strings.Contains(c, " ") {
				t.Fatal(c)
			}
			return
		}
		if d, err := spec.Lifetime(); err != nil || d < MinTTL || d > MaxTTL {
			t.Fatalf("accepted a life of %s, %v", d, err)
		}
		if err := CheckParams(spec.Kind, spec.Params); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzConfig: no document ends the process, and every refusal has a code and a cure.
func FuzzConfig(f *testing.F) {
	for _, doc := range []string{"a: 1", "- a", "{a: [1, {b: 2}]}", "a: &x 1\nb: *x", "? a\n: b", "a: |\n  text\n", "%YAML 1.2\n---\na: !!int 1", "a: 'it''s'\n", "<<: *x"} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		if c := code(CheckConfig(doc)); strings.Contains(c, " ") {
			t.Fatal(c)
		}
	})
}
