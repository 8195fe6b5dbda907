package workload

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// checks compiles what the answers of an operation must be.
func (c *compiler) checks(o *Operation, out *operation) {
	for i := range o.Checks {
		k := &o.Checks[i]
		if k.n == nil || k.n.kind != mapNode {
			continue
		}
		if k.Status.node != nil {
			c.status(k, out)
		}
		body := check{}
		what := c.bodyCheck(k, &body, out)
		if what == "" {
			continue
		}
		if k.Name != "" {
			what = k.Name
		}
		body.failure = "check: " + what
		out.checks = append(out.checks, body)
	}
}

// forms of a check, for its errors.
const forms = "write one of status, json, sha256, max_bytes, or a path with equals, exists or matches"

// status compiles the accepted statuses.
func (c *compiler) status(k *Check, out *operation) {
	list := []*node{k.Status.node}
	if k.Status.kind == listNode {
		list = k.Status.items
	}
	if out.status != nil {
		c.badf(k.Status.node, k.path+".status", "a second check of the status; write one list: status: [200, 304]")
		return
	}
	for _, n := range list {
		v, err := strconv.Atoi(n.text)
		if n.kind != intNode || err != nil || v < 100 || v > 599 {
			c.badf(n, k.path+".status", "%.40q is no status; write 200, or a list such as [200, 304]", n.text)
			continue
		}
		out.status = append(out.status, v)
	}
	if len(list) == 0 {
		c.badf(k.Status.node, k.path+".status", "is empty; write 200, or a list such as [200, 304]")
	}
}

// bodyCheck compiles the part about the body and returns what results call it, "" when there is none.
func (c *compiler) bodyCheck(k *Check, body *check, out *operation) (what string) {
	said := 0
	for _, set := range []bool{k.Status.node != nil, k.JSON != nil, k.SHA256 != "", k.MaxBytes != "", k.Path != ""} {
		if set {
			said++
		}
	}
	if said != 1 {
		c.badf(k.n, k.path, "%d things to check at once; %s", said, forms)
		return ""
	}
	if k.Path == "" {
		for _, key := range []string{"equals", "exists", "matches"} {
			if v := k.n.get(key); v != nil {
				c.badf(v, k.path+"."+key, "has no path; write path: $.data… beside it")
			}
		}
	}
	switch {
	case k.JSON != nil:
		if body.valid = true; !*k.JSON {
			c.badf(k.n.at("json"), k.path+".json", "false checks nothing; remove it")
		}
		return "json"
	case k.SHA256 != "":
		sum, err := hex.DecodeString(k.SHA256)
		if body.sum = new([32]byte); err != nil || copy(body.sum[:], sum) != 32 || len(sum) != 32 {
			c.badf(k.n.at("sha256"), k.path+".sha256", "%.80q is no SHA-256; write its 64 hex digits, as sha256sum prints them", k.SHA256)
		}
		return "sha256"
	case k.MaxBytes != "":
		var err error
		if body.most, err = size(k.MaxBytes); err != nil {
			c.badf(k.n.at("max_bytes"), k.path+".max_bytes", "%v", err)
		}
		return "max bytes"
	case k.Path != "":
		return c.pathCheck(k, body, out)
	}
	return ""
}

func (c *compiler) pathCheck(k *Check, body *check, out *operation) string {
	steps, err := parsePath(k.Path)
	if err != nil {
		c.badf(k.n.at("path"), k.path+".path", "%v", err)
		return ""
	}
	body.path = steps
	said := 0
	if k.Exists != nil {
		body.exists = k.Exists
		said++
	}
	if k.n.get("matches") != nil {
		said++
		if body.matches, err = regexp.Compile(k.Matches); err != nil {
			c.badf(k.n.at("matches"), k.path+".matches", "%v; the syntax is that of RE2", err)
		}
	}
	if k.Equals.node != nil {
		said++
		p := c.json(k.Equals.node, k.path+".equals")
		if text, ok := p.static(); ok {
			body.equals = text
		} else if body.drawn = p; out.batch > 0 {
			c.badf(k.Equals.node, k.path+".equals", "in a batch each operation has values of its own; write a plain value")
		}
	}
	if said != 1 {
		c.badf(k.n, k.path, "a path needs one of equals, exists, matches; it has %d", said)
	}
	return k.Path
}

// parsePath reads $.data.cities[0]["odd name"]; the $ may be left out.
func parsePath(text string) ([]step, error) {
	bad := func(at int) ([]step, error) {
		return nil, fmt.Errorf("%.80q is no path (at character %d); write $.data.city.id, $.data.cities[0].name or $[\"a b\"]", text, at+1)
	}
	rest := strings.TrimPrefix(text, "$")
	if rest == text && rest != "" && rest[0] != '[' && rest[0] != '.' {
		rest = "." + rest
	}
	if rest == "" {
		return bad(0)
	}
	var steps []step
	for rest != "" {
		at := len(text) - len(rest)
		switch rest[0] {
		case '.':
			end := strings.IndexAny(rest[1:], ".[")
			if end < 0 {
				end = len(rest) - 1
			}
			if end == 0 {
				return bad(at)
			}
			steps, rest = append(steps, step{key: []byte(rest[1 : end+1])}), rest[end+1:]
		case '[':
			end := strings.IndexByte(rest, ']')
			if end < 0 {
				return bad(at)
			}
			inner := rest[1:end]
			rest = rest[end+1:]
			if n := len(inner); n > 2 && (inner[0] == '"' || inner[0] == '\'') && inner[n-1] == inner[0] {
				steps = append(steps, step{key: appendEscaped(nil, []byte(inner[1:n-1]))})
				continue
			}
			i, err := strconv.Atoi(inner)
			if err != nil || i < 0 || inner[0] == '+' {
				return bad(at)
			}
			steps = append(steps, step{index: i})
		default:
			return bad(at)
		}
	}
	return steps, nil
}

// size reads 512, 64KiB, 8MiB or 1GiB.
func size(text string) (int64, error) {
	number, unit := text, int64(1)
	for suffix, n := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if cut, ok := strings.CutSuffix(text, suffix); ok {
			number, unit = strings.TrimSpace(cut), n
		}
	}
	v, err := strconv.ParseInt(number, 10, 64)
	if err != nil || v < 1 || v > 1<<40/unit {
		return 0, fmt.Errorf("%.40q is no size; write 512, 64KiB or 1MiB", text)
	}
	return v * unit, nil
}
