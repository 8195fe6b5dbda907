package workload

import (
	"fmt"
	"slices"
	"strings"
)

// compiler makes a Workload of a File.
type compiler struct {
	*source
	read func(path string) ([]byte, error) // of files named in the workload file
	w    *Workload
	file *File

	names  map[string]int // generators by name
	state  []compileState // of the named ones, in the order of file.Variables
	tables map[string]*csvTable
	sizes  int // bytes of tables so far
	plain  bool
}

type compileState struct {
	pair      Pair
	generator int
	step      uint8 // 0 not begun, 1 under way, 2 done
}

// generatorKeys are the keys that make a mapping a generator.
var generatorKeys = []string{"zipf", "uniform", "sequence", "list", "csv", "constant", "template", "uuid"}

func generatorOf(n *node) (key string, value *node) {
	if n.kind == mapNode && len(n.keys) == 1 && slices.Contains(generatorKeys, n.keys[0].text) {
		return n.keys[0].text, n.items[0]
	}
	return "", nil
}

// add appends text to a program.
func (p program) add(text string) program {
	if n := len(p); n > 0 && p[n-1].generator < 0 {
		p[n-1].text = append(p[n-1].text, text...)
		return p
	}
	return append(p, part{text: []byte(text), generator: -1})
}

// join appends a program.
func (p program) join(q program) program {
	for _, b := range q {
		if n := len(p); n > 0 && p[n-1].generator < 0 {
			b.text = append(p[n-1].text, b.text...)
			p = p[:n-1]
		}
		p = append(p, b)
	}
	return p
}

// json compiles any value to the program that writes it as JSON.
func (c *compiler) json(n *node, path string) program {
	if key, value := generatorOf(n); key != "" {
		if c.plain {
			c.badf(n, path, "subscriptions take plain values; write one instead of the generator %s", key)
			return nil
		}
		g := c.generator("", key, value, path+"."+key)
		if g < 0 {
			return nil
		}
		return program{c.reference(n, path, g, "", asJSON)}
	}
	var p program
	switch n.kind {
	case nullNode:
		return p.add("null")
	case boolNode, intNode, floatNode:
		return p.add(n.text)
	case textNode:
		return c.text(n, path)
	case listNode:
		p = p.add("[")
		for i, item := range n.items {
			p = p.add(","[:min(i, 1)]).join(c.json(item, fmt.Sprintf("%s[%d]", path, i)))
		}
		return p.add("]")
	}
	return c.object(n.keys, n.items, path)
}

func (c *compiler) object(keys, values []*node, path string) program {
	p := program{}.add("{")
	for i, key := range keys {
		p = p.add(","[:min(i, 1)]).add(string(quote(key.text)) + ":").join(c.json(values[i], join(path, key.text)))
	}
	return p.add("}")
}

func (c *compiler) pairs(pairs Pairs, path string) program {
	keys, values := make([]*node, len(pairs)), make([]*node, len(pairs))
	for i, p := range pairs {
		keys[i], values[i] = p.Key, p.Value
	}
	return c.object(keys, values, path)
}

// text compiles a text as JSON: a lone ${name} keeps the type of its values.
func (c *compiler) text(n *node, path string) program {
	pieces := c.pieces(n, path)
	if len(pieces) == 1 && pieces[0].reference {
		return c.referenceTo(n, path, pieces[0].text, asJSON)
	}
	return program{}.add(`"`).join(c.assemble(n, path, pieces, asInner)).add(`"`)
}

// textAs compiles a text as it stands in a JSON string or in a header.
func (c *compiler) textAs(n *node, path string, f form) program {
	return c.assemble(n, path, c.pieces(n, path), f)
}

func (c *compiler) assemble(n *node, path string, pieces []piece, f form) program {
	var p program
	for _, x := range pieces {
		switch {
		case x.reference:
			p = p.join(c.referenceTo(n, path, x.text, f))
		case f == asRaw:
			p = p.add(x.text)
		default:
			p = p.add(string(appendEscaped(nil, []byte(x.text))))
		}
	}
	return p
}

// piece of a text: as it is, or the name of a reference.
type piece struct {
	text      string
	reference bool
}

// pieces splits a text at ${name}; $${ stands for ${.
func (c *compiler) pieces(n *node, path string) (list []piece) {
	text := n.text
	if len(text) > maxTemplate && strings.Contains(text, "${") {
		c.badf(n, path, "a text of %d bytes with ${…} in it; the maximum is %d", len(text), maxTemplate)
		return nil
	}
	plain := ""
	for {
		i := strings.Index(text, "${")
		if i < 0 {
			break
		}
		if i > 0 && text[i-1] == '$' {
			plain, text = plain+text[:i-1]+"${", text[i+2:]
			continue
		}
		end := strings.IndexByte(text[i:], '}')
		if end < 0 {
			c.badf(n, path, "${ has no }; write ${name}, or $${ for the two characters")
			return nil
		}
		if plain += text[:i]; plain != "" {
			list = append(list, piece{plain, false})
		}
		list = append(list, piece{text[i+2 : i+end], true})
		plain, text = "", text[i+end+1:]
	}
	if plain += text; plain != "" {
		list = append(list, piece{plain, false})
	}
	return list
}

// referenceTo compiles ${name} or ${name.column}.
func (c *compiler) referenceTo(n *node, path, name string, f form) program {
	if c.plain {
		c.badf(n, path, "subscriptions take plain values; write one instead of ${%.40s}", name)
		return nil
	}
	base, col, _ := strings.Cut(name, ".")
	g := c.named(n, path, base)
	if g < 0 {
		return nil
	}
	return program{c.reference(n, path, g, col, f)}
}

// reference makes the part that writes a generator's value.
func (c *compiler) reference(n *node, path string, index int, col string, f form) part {
	g, p := &c.w.generators[index], part{generator: int32(index), form: f}
	var columns []string
	for i := range g.columns {
		columns = append(columns, g.columns[i].name)
	}
	named := len(columns) > 1 || len(columns) == 1 && columns[0] != ""
	switch {
	case col == "" && named && g.kind == table && len(columns) > 1:
		c.badf(n, path, "${%s} has several columns, %s; write ${%s.%s}", g.name, strings.Join(columns, ", "), g.name, columns[0])
	case col != "" && !named:
		c.badf(n, path, "${%s} has no columns; write ${%s}", g.name, g.name)
	case col != "":
		at := slices.Index(columns, col)
		if at < 0 {
			c.badf(n, path, "${%s} has no column %q; %s", g.name, col, nearest(col, columns))
			at = 0
		}
		p.column = int32(at)
	}
	if f != asJSON && g.kind == template && g.inner == nil {
		c.badf(n, path, "${%s} is no text; it can stand alone, not inside a text", g.name)
	}
	return p
}

// named returns the generator of a name, compiling it first when it is used before its turn; -1 after a problem.
func (c *compiler) named(n *node, path, name string) int {
	if g, ok := c.names[name]; ok {
		return g
	}
	var names []string
	for i := range c.state {
		s := &c.state[i]
		if s.pair.Key.text != name {
			names = append(names, s.pair.Key.text)
			continue
		}
		if s.step == 1 {
			c.badf(n, path, "${%s} is made of itself; break the circle", name)
			return -1
		}
		if s.step == 0 {
			c.compileNamed(s)
		}
		return s.generator
	}
	if c.file.Users != nil {
		names = append(names, "user")
	}
	if len(names) == 0 {
		c.badf(n, path, "there is no variable %.40q; name it under variables: at the top", name)
		return -1
	}
	c.badf(n, path, "there is no variable %.40q under variables: at the top; %s", name, nearest(name, names))
	return -1
}

func (c *compiler) compileNamed(s *compileState) {
	s.step, s.generator = 1, -1
	name, path := s.pair.Key.text, "variables."+s.pair.Key.text
	if !isName(name) {
		c.badf(s.pair.Key, path, "%.40q is no name; use letters, digits, _ and -", name)
	} else if name == "user" && c.file.Users != nil {
		c.badf(s.pair.Key, path, "user is what users: gives; take another name")
	}
	if key, value := generatorOf(s.pair.Value); key != "" {
		s.generator = c.generator(name, key, value, path+"."+key)
	} else {
		s.generator = c.templateOf(name, s.pair.Value, path)
	}
	s.step = 2
}

// templateOf makes a generator of a value with references in it.
func (c *compiler) templateOf(name string, n *node, path string) int {
	g := generator{name: name, kind: template, json: c.json(n, path)}
	if n.kind != listNode && n.kind != mapNode && n.kind != nullNode {
		g.inner, g.raw = append(program{}, c.textAs(n, path, asInner)...), c.textAs(n, path, asRaw)
	}
	return c.append(g)
}

func (c *compiler) append(g generator) int {
	c.w.generators = append(c.w.generators, g)
	return len(c.w.generators) - 1
}

func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !(c == '_' || c == '-' || 'a' <= c|32 && c|32 <= 'z' || '0' <= c && c <= '9') {
			return false
		}
	}
	return s != "" && len(s) <= 100
}
