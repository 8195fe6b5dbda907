package workload

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// Value is any value of the file, kept with its place.
type Value struct{ *node }

// Pairs is a mapping of any names, in the order of the file.
type Pairs []Pair

// Pair is one name with its value.
type Pair struct {
	Key   *node
	Value *node
}

// place is embedded in the parts of a file: where it stands.
type place struct {
	n    *node
	path string
}

// placed is a part that keeps its place.
type placed interface{ put(n *node, path string) }

func (p *place) put(n *node, path string) { p.n, p.path = n, path }

// decode fills the Go value with a node and tells everything that does not fit: unknown keys and values of another type.
func (s *source) decode(n *node, into reflect.Value, path string) {
	if p, ok := into.Addr().Interface().(placed); ok {
		p.put(n, path)
	}
	switch into.Interface().(type) {
	case Value:
		into.Set(reflect.ValueOf(Value{n}))
		return
	case Statuses:
		into.Set(reflect.ValueOf(Statuses{Value{n}}))
		return
	case Pairs:
		s.decodePairs(n, into, path)
		return
	}
	if n.kind == nullNode {
		s.badf(n, path, "has no value; write one, or remove the key")
		return
	}
	switch into.Kind() {
	case reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		s.decode(n, into.Elem(), path)
	case reflect.Struct:
		s.decodeStruct(n, into, path)
	case reflect.Slice:
		s.decodeList(n, into, path)
	default:
		s.decodeScalar(n, into, path)
	}
}

func (s *source) decodePairs(n *node, into reflect.Value, path string) {
	if n.kind == nullNode {
		return
	}
	if n.kind != mapNode {
		s.badf(n, path, "is not a mapping; write names and values, indented under it")
		return
	}
	pairs := make(Pairs, len(n.keys))
	for i := range pairs {
		pairs[i] = Pair{n.keys[i], n.items[i]}
	}
	into.Set(reflect.ValueOf(pairs))
}

func (s *source) decodeStruct(n *node, into reflect.Value, path string) {
	if n.kind != mapNode {
		s.badf(n, path, "is not a mapping; write keys and values, indented under it")
		return
	}
	t := into.Type()
	var names []string
	field := map[string]int{}
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" && name != "-" {
			names, field[name] = append(names, name), i
		}
	}
	for i, key := range n.keys {
		at := join(path, key.text)
		if f, ok := field[key.text]; ok {
			s.decode(n.items[i], into.Field(f), at)
			continue
		}
		s.badf(key, at, "unknown key; %s", nearest(key.text, names))
	}
}

func (s *source) decodeList(n *node, into reflect.Value, path string) {
	if n.kind != listNode {
		s.badf(n, path, "is not a list; write [a, b], or one item a line after a dash")
		return
	}
	if len(n.items) > maxItems {
		s.badf(n, path, "has %d items, the maximum is %d", len(n.items), maxItems)
		return
	}
	list := reflect.MakeSlice(into.Type(), len(n.items), len(n.items))
	for i, item := range n.items {
		s.decode(item, list.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
	into.Set(list)
}

func (s *source) decodeScalar(n *node, into reflect.Value, path string) {
	if n.kind == listNode || n.kind == mapNode {
		s.badf(n, path, "is a list or a mapping; write one value")
		return
	}
	switch into.Kind() {
	case reflect.String:
		if n.kind == boolNode || n.kind == floatNode {
			s.badf(n, path, "%s is not text; put it in quotes", n.text)
			return
		}
		if into.SetString(n.text); n.kind == intNode {
			into.SetString(n.written)
		}
	case reflect.Bool:
		if n.kind != boolNode {
			s.badf(n, path, "%.60q is neither true nor false", n.text)
			return
		}
		into.SetBool(n.text == "true")
	case reflect.Int64, reflect.Int:
		v, err := strconv.ParseInt(n.text, 10, 64)
		if n.kind != intNode || err != nil {
			s.badf(n, path, "%.60q is no whole number", n.text)
			return
		}
		into.SetInt(v)
	case reflect.Float64:
		v, err := strconv.ParseFloat(n.text, 64)
		if n.kind != intNode && n.kind != floatNode || err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
			s.badf(n, path, "%.60q is no number", n.text)
			return
		}
		into.SetFloat(v)
	}
}
