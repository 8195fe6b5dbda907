package workload

import (
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// generator compiles one generator and returns its index, -1 after a problem.
func (c *compiler) generator(name, key string, n *node, path string) int {
	before := len(c.problems)
	var f generatorFile
	if key == "list" && n.kind == listNode {
		f.List = &listFile{Values: make([]Value, len(n.items))}
		f.List.put(n, path)
		for i, item := range n.items {
			f.List.Values[i] = Value{item}
		}
	} else {
		whole := &node{kind: mapNode, line: n.line, column: n.column, keys: []*node{{kind: textNode, text: key}}, items: []*node{n}}
		c.decode(whole, reflect.ValueOf(&f).Elem(), strings.TrimSuffix(path, "."+key))
	}
	if len(c.problems) > before {
		return -1
	}
	g := generator{name: name}
	switch {
	case f.Zipf != nil:
		c.zipf(&g, f.Zipf)
	case f.Uniform != nil:
		c.uniform(&g, f.Uniform)
	case f.Sequence != nil:
		c.sequence(&g, f.Sequence)
	case f.List != nil:
		c.list(&g, f.List)
	case f.CSV != nil:
		c.csv(&g, f.CSV)
	case f.Constant != nil:
		c.constant(&g, f.Constant.node, path)
	case f.Template != nil:
		return c.templateOf(name, n, path)
	case f.UUID != nil:
		if g.kind = uuid; !*f.UUID {
			c.badf(n, path, "false makes nothing; write uuid: true")
		}
	}
	if len(c.problems) > before {
		return -1
	}
	return c.append(g)
}

// draw makes the picker of n things.
func (c *compiler) draw(n *node, path, how string, s *float64, count uint64) picker {
	if s != nil && how != "zipf" {
		c.badf(n.at("s"), path+".s", "an exponent belongs to zipf; write draw: zipf, or remove it")
	}
	switch how {
	case "", "uniform":
		return picker{n: count}
	case "sequence":
		return picker{how: pickInTurn, n: count}
	case "zipf":
		return byZipf(count, c.exponent(n, path, s))
	}
	c.badf(n.at("draw"), path+".draw", "%.40q is not one of %s", how, meant(how, []string{"uniform", "zipf", "sequence"}))
	return picker{n: count}
}

func (c *compiler) exponent(n *node, path string, s *float64) float64 {
	if s == nil {
		return geoExponent
	}
	if !(*s > 0 && *s <= 20) {
		c.badf(n.at("s"), path+".s", "%v is out of range; an exponent is above 0 and up to 20, usually 0.8 to 1.3", *s)
		return geoExponent
	}
	return *s
}

func (c *compiler) zipf(g *generator, f *zipfFile) {
	s := c.exponent(f.n, f.path, f.S)
	switch {
	case f.N != nil && f.Of != nil:
		c.badf(f.n.at("of"), f.path+".of", "n and of are two ways to say what is drawn; keep one")
	case f.Of != nil:
		if f.Start != nil {
			c.badf(f.n.at("start"), f.path+".start", "belongs to n; remove it")
		}
		c.values(g, f.Of, f.n.at("of"), f.path+".of")
		g.pick = byZipf(uint64(max(1, len(f.Of))), s)
	case f.N == nil:
		c.badf(f.n, f.path, "does not say what is drawn; write n: 1000 for the numbers 1 to 1000, or of: [a, b]")
	case *f.N < 1 || *f.N > 1<<40:
		c.badf(f.n.at("n"), f.path+".n", "%d is out of range; write 1 to %d", *f.N, int64(1)<<40)
	default:
		g.kind, g.start, g.step, g.pick = integers, 1, 1, byZipf(uint64(*f.N), s)
		if f.Start != nil {
			g.start = *f.Start
		}
	}
}

func (c *compiler) uniform(g *generator, f *uniformFile) {
	low, lowDigits, ok := c.number(f.Min, f.n, f.path, "min")
	high, highDigits, ok2 := c.number(f.Max, f.n, f.path, "max")
	if !ok || !ok2 {
		return
	}
	if low > high {
		c.badf(f.Min.node, f.path+".min", "%s is above max, %s; swap them", f.Min.text, f.Max.text)
		return
	}
	if f.Min.kind == intNode && f.Max.kind == intNode {
		from, err := strconv.ParseInt(f.Min.text, 10, 64)
		to, err2 := strconv.ParseInt(f.Max.text, 10, 64)
		n, fits := wholeRange(from, to)
		if err != nil || err2 != nil || !fits {
			c.badf(f.n, f.path, "%s to %s is more than 64 bits hold; choose a smaller range", f.Min.text, f.Max.text)
			return
		}
		g.kind, g.start, g.step, g.pick = integers, from, 1, picker{n: n}
		return
	}
	g.kind, g.min, g.span, g.digits = floats, low, high-low, max(lowDigits, highDigits)
}

// number reads a bound and how many decimals it is written with.
func (c *compiler) number(v Value, parent *node, path, key string) (value float64, digits int, ok bool) {
	if v.node == nil {
		c.badf(parent, path, "%s is missing; write {min: 1, max: 100}", key)
		return 0, 0, false
	}
	value, err := strconv.ParseFloat(v.text, 64)
	if v.kind != intNode && v.kind != floatNode || err != nil || math.Abs(value) > 1e300 {
		c.badf(v.node, path+"."+key, "%.40q is no number", v.text)
		return 0, 0, false
	}
	if i := strings.IndexByte(v.text, '.'); i >= 0 && !strings.ContainsAny(v.text, "eE") {
		digits = min(len(v.text)-i-1, 15)
	} else if v.kind == floatNode {
		digits = 6
	}
	return value, digits, true
}

func (c *compiler) sequence(g *generator, f *sequenceFile) {
	g.kind, g.start, g.step, g.pick = integers, 1, 1, picker{how: pickInTurn, n: math.MaxUint64}
	if f.Start != nil {
		g.start = *f.Start
	}
	if f.Step != nil {
		g.step = *f.Step
	}
	if g.step == 0 {
		c.badf(f.n.at("step"), f.path+".step", "0 makes one number alone; write another step, or constant")
		return
	}
	if f.End == nil {
		return
	}
	from, to, step := g.start, *f.End, uint64(g.step)
	if g.step < 0 {
		from, to, step = to, from, uint64(-g.step)
	}
	n, ok := wholeRange(from, to)
	if !ok {
		c.badf(f.n.at("end"), f.path+".end", "%d is not reached from %d by steps of %d", *f.End, g.start, g.step)
		return
	}
	g.pick.n = (n-1)/step + 1
}

func (c *compiler) list(g *generator, f *listFile) {
	c.values(g, f.Values, f.n.at("values"), f.path+".values")
	n := uint64(max(1, len(f.Values)))
	if f.Weights == nil {
		g.pick = c.draw(f.n, f.path, f.Draw, f.S, n)
		return
	}
	at := f.n.at("weights")
	if f.Draw != "" || f.S != nil {
		c.badf(f.n.at("draw"), f.path+".draw", "weights already say how values are drawn; keep one of the two")
	}
	if len(f.Weights) != len(f.Values) {
		c.badf(at, f.path+".weights", "there are %d weights for %d values; write one for each", len(f.Weights), len(f.Values))
		return
	}
	if i := slices.IndexFunc(f.Weights, func(w float64) bool { return !(w >= 0 && w <= maxWeight) }); i >= 0 {
		c.badf(at, f.path+".weights", "%v is out of range; write 0 to %v", f.Weights[i], float64(maxWeight))
		return
	}
	if slices.Max(append([]float64{0}, f.Weights...)) == 0 {
		c.badf(at, f.path+".weights", "all are 0; give one more")
		return
	}
	g.pick = byWeight(f.Weights)
}

const maxWeight = 1e12

// values fills a table with plain values.
func (c *compiler) values(g *generator, values []Value, n *node, path string) {
	g.kind, g.columns = table, make([]column, 1)
	if len(values) == 0 {
		c.badf(n, path, "is empty; write at least one value")
		return
	}
	for i, v := range values {
		p, text := c.literal(v.node, path+"["+strconv.Itoa(i)+"]")
		g.columns[0].add(p, text)
	}
}

// literal returns a plain value: text as it is, anything else as JSON.
func (c *compiler) literal(n *node, path string) (value []byte, text bool) {
	if n.kind == textNode {
		return []byte(n.text), true
	}
	return c.verbatim(n), false
}

// verbatim writes a value as JSON; nothing in it is replaced.
func (c *compiler) verbatim(n *node) []byte {
	var b []byte
	switch n.kind {
	case nullNode:
		return []byte("null")
	case textNode:
		return quote(n.text)
	case listNode:
		b = append(b, '[')
		for i, item := range n.items {
			b = append(append(b, ","[:min(i, 1)]...), c.verbatim(item)...)
		}
		return append(b, ']')
	case mapNode:
		b = append(b, '{')
		for i, key := range n.keys {
			b = append(append(append(b, ","[:min(i, 1)]...), quote(key.text)...), ':')
			b = append(b, c.verbatim(n.items[i])...)
		}
		return append(b, '}')
	}
	return []byte(n.text)
}

func (c *compiler) constant(g *generator, n *node, path string) {
	c.values(g, []Value{{n}}, n, path)
	g.pick = picker{n: 1}
}
