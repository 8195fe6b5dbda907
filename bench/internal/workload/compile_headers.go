package workload

import (
	"bytes"
	"strings"
)

// headerLine is one header before it is written into the parts of an operation.
type headerLine struct {
	name  string
	value *node
	path  string
	from  *node // the place of its name
}

// headers compiles the header lines of an operation: those every request has, then users, the file's, and the operation's; a later one of a name replaces
// an earlier one.
func (c *compiler) headers(get bool, own Pairs, path string) (fixed []byte, varying program) {
	lines := []headerLine{{name: "Accept", value: &node{kind: textNode, text: "application/json"}}}
	if !get {
		lines = append([]headerLine{{name: "Content-Type", value: &node{kind: textNode, text: "application/json"}}}, lines...)
	}
	if name, value, at := c.token(); value != nil {
		if u := c.file.Users; !isToken(name) {
			c.badf(u.n.at("header"), u.path+".header", "%.40q is no header name; use letters, digits and -", name)
		} else {
			lines = set(lines, headerLine{name, value, at, u.n.at("header")})
		}
	}
	for _, l := range []struct {
		pairs Pairs
		path  string
	}{{c.file.Headers, "headers"}, {own, join(path, "headers")}} {
		for _, p := range l.pairs {
			lines = set(lines, headerLine{p.Key.text, p.Value, join(l.path, p.Key.text), p.Key})
		}
	}
	for _, l := range lines {
		p := c.header(l)
		if text, ok := p.static(); ok {
			fixed = append(append(append(append(fixed, l.name...), ": "...), text...), "\r\n"...)
		} else {
			varying = varying.add(l.name + ": ").join(p).add("\r\n")
		}
	}
	return fixed, varying
}

func set(lines []headerLine, l headerLine) []headerLine {
	if strings.EqualFold(l.name, "host") {
		l.name = "Host"
	}
	for i := range lines {
		if strings.EqualFold(lines[i].name, l.name) {
			lines[i] = l
			return lines
		}
	}
	return append(lines, l)
}

// header compiles the value of a header line.
func (c *compiler) header(l headerLine) program {
	if !isToken(l.name) {
		c.badf(l.from, l.path, "%.40q is no header name; use letters, digits and -", l.name)
		return nil
	}
	switch strings.ToLower(l.name) {
	case "content-length", "transfer-encoding", "connection", "expect", "upgrade", "te", "trailer":
		c.badf(l.from, l.path, "%s is the generator's own; remove it", l.name)
		return nil
	}
	switch l.value.kind {
	case intNode, floatNode, boolNode, textNode:
	default:
		c.badf(l.value, l.path, "is not text; write one value")
		return nil
	}
	if i := strings.IndexFunc(l.value.text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }); i >= 0 {
		c.badf(l.value, l.path, "has a line end or another control character in it; a header is one line")
		return nil
	}
	p := c.textAs(l.value, l.path, asRaw)
	if bad := c.control(p); bad != "" {
		c.badf(l.value, l.path, "${%s} has values with line ends or control characters; a header is one line", bad)
	}
	return p
}

// control returns the name of a generator whose values cannot stand in a header.
func (c *compiler) control(p program) string {
	for _, x := range p {
		if x.generator < 0 {
			continue
		}
		g := &c.w.generators[x.generator]
		if g.kind == template {
			for _, y := range g.raw {
				if bytes.IndexFunc(y.text, func(r rune) bool { return r < ' ' }) >= 0 {
					return g.name
				}
			}
			if bad := c.control(g.raw); bad != "" {
				return bad
			}
		}
		if g.kind == table && int(x.column) < len(g.columns) {
			if bytes.IndexFunc(g.columns[x.column].data, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) >= 0 {
				return g.name
			}
		}
	}
	return ""
}

// isToken reports whether a text is a token of HTTP.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c|32 && c|32 <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0) {
			return false
		}
	}
	return s != ""
}
