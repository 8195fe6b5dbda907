package fault

import (
	"strings"
	"testing"
	"time"
)

func TestRulesAsWritten(t *testing.T) {
	r := rule(t, "10s..15s/1m:reset=mid-body@20%#query.city")
	if r.Kind != Reset || r.Stage != MidBody || r.Share != 0.2 || r.Operation != "query.city" || r.Window.Every != time.Minute || !r.Executes() || r.Name() != "reset=mid-body" {
		t.Errorf("%+v", r)
	}
	if r = rule(t, "delay=bimodal:1ms,5ms@0.1@0.5"); r.Share != 0.5 || r.Delay.Quantile(0.95) != float64(5*time.Millisecond) {
		t.Errorf("%+v", r)
	}
	if r = rule(t, "delay=bimodal:1ms,5ms@0.1"); r.Share != 1 || r.Delay.Quantile(0.95) != float64(5*time.Millisecond) {
		t.Errorf("%+v", r)
	}
	if r = rule(t, "5s..:partial=City.admin"); r.Text != "City.admin" || r.Window.From != 5*time.Second || r.Window.To != 0 || r.Name() != "partial" {
		t.Errorf("%+v", r)
	}
	if r = rule(t, "big"); r.Size != 10_000_000 {
		t.Errorf("%+v", r)
	}
}

func TestWrongRulesNameTheCure(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "is unknown: write [FROM..TO",
		"rst":                      "one of delay=DISTRIBUTION, refuse, reset",
		"reset=mid":                "write reset=before-head|in-head|mid-body",
		"reset=after-head":         "write reset=",
		"html=1":                   `leave out "=1"`,
		"delay":                    "write delay=DISTRIBUTION",
		"delay=5":                  "250us, 5ms or 1s",
		"slow-body=0":              "write stall instead",
		"slow-body":                "needs an argument",
		"big=0":                    "write 1 or more",
		"status=99":                "write 200 to 599",
		"status=500,xml":           "CODE[,json|html|empty]",
		"content-type=\r\n":        "write for instance text/plain",
		"partial=name":             "TYPE.FIELD",
		"refuse":                   "write an end",
		"5s..:refuse":              "write an end",
		"0s..5s:refuse@0.5":        "leave out @SHARE",
		"5s..1s:html":              "ends before it begins",
		"html@2":                   "no share from 0 to 1",
		"html@":                    "no share",
		"1s..2s/10ms:html@0.1":     "not shorter than itself",
		"0s..5s:refuse#query.city": "#OPERATION",
	} {
		if _, err := ParseRule(text); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "fault ") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func plan(t *testing.T, seed uint64, texts ...string) *Plan {
	t.Helper()
	rules := make([]Rule, len(texts))
	for i, s := range texts {
		rules[i] = *rule(t, s)
	}
	return NewPlan(rules, seed, time.Unix(0, 0))
}

func decisions(p *Plan, n int) (names []string, hits map[string]int) {
	hits = map[string]int{}
	city, set := Operation{Kind: "query", Name: "City", Label: "query.city"}, Operation{Kind: "mutation", Label: "mutation.setPopulation"}
	for i := range n {
		o := &city
		if i%4 == 3 {
			o = &set
		}
		name := "none"
		if r, _ := p.Decide(o, time.Unix(0, 0).Add(time.Duration(i)*time.Millisecond)); r != nil {
			name = r.Name() + " " + o.Kind
		}
		names = append(names, name)
		hits[name]++
	}
	return names, hits
}

func TestTheSameSeedHitsTheSameRequests(t *testing.T) {
	rules := []string{"html@0.1", "reset=mid-body@0.2#query.city", "error@0.5#mutation", "bad-json@0.1#City"}
	first, hits := decisions(plan(t, 7, rules...), 8000)
	again, _ := decisions(plan(t, 7, rules...), 8000)
	if strings.Join(first, ",") != strings.Join(again, ",") {
		t.Error("one seed, two series of faults")
	}
	if other, _ := decisions(plan(t, 8, rules...), 8000); strings.Join(first, ",") == strings.Join(other, ",") {
		t.Error("another seed, the same faults")
	}
	// Of 6000 queries and 2000 mutations; where two rules hit the same request the earlier one wins.
	if n := hits["html query"] + hits["html mutation"]; n < 796 || n > 804 {
		t.Errorf("html hit %d of 8000", n)
	}
	if n := hits["error mutation"]; n < 850 || n > 1004 {
		t.Errorf("error hit %d of 2000 mutations", n)
	}
	if hits["error query"] != 0 || hits["reset=mid-body mutation"] != 0 || hits["bad-json mutation"] != 0 {
		t.Errorf("wrong operations: %v", hits)
	}
}

func TestWindowsAndDelays(t *testing.T) {
	names, hits := decisions(plan(t, 1, "1s..2s:html", "3s..3500ms/1s:error#mutation"), 5000)
	if hits["html query"]+hits["html mutation"] != 1000 || names[999] != "none" || names[1000] == "none" || names[1999] == "none" || names[2000] != "none" {
		t.Errorf("%v", hits)
	}
	if hits["error mutation"] != 250 {
		t.Errorf("%v", hits)
	}
	p := plan(t, 1, "delay=5ms", "delay=1ms#batch", "html")
	if r, d := p.Decide(&Operation{Kind: "query", Batch: true}, time.Unix(0, 0)); r == nil || r.Kind != HTML || d != 6*time.Millisecond {
		t.Errorf("%v %v", r, d)
	}
}

func TestRefused(t *testing.T) {
	p := plan(t, 1, "1s..2s:refuse", "5s..6s/10s:refuse")
	at := func(d time.Duration) time.Time { return time.Unix(0, 0).Add(d) }
	for _, c := range []struct {
		at, next time.Duration
		refused  bool
	}{{0, time.Second, false}, {time.Second, 2 * time.Second, true}, {2 * time.Second, 5 * time.Second, false}, {15 * time.Second, 16 * time.Second, true}} {
		if refused, next, changes := p.Refused(at(c.at)); refused != c.refused || !changes || !next.Equal(at(c.next)) {
			t.Errorf("at %s: %v until %v", c.at, refused, next)
		}
	}
	if refused, _, changes := plan(t, 1, "html").Refused(at(0)); refused || changes {
		t.Error("nothing refuses")
	}
}

func FuzzParseRule(f *testing.F) {
	for _, s := range []string{"10s..15s:reset=mid-body@0.2#query.city", "delay=bimodal:1ms,2ms@0.1@0.5", "status=503,html", "0s..5s:refuse", "partial=City.admin"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRule(s)
		if err != nil {
			return
		}
		if again, err := ParseRule(r.String()); err != nil || again != r {
			t.Errorf("%q: %+v and %+v, %v", s, r, again, err)
		}
		p := NewPlan([]Rule{r}, 1, time.Unix(0, 0))
		p.Decide(&Operation{}, time.Unix(1, 0))
		p.Refused(time.Unix(1, 0))
	})
}
