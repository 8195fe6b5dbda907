package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// strict compares a YAML tree with the Go type it is for and reports everything that does not fit: unknown keys, keys given twice, values
// of another type. The decoder alone stops at the first.
func (d *document) strict(n ast.Node, t reflect.Type, path string) {
	switch n.Type() {
	case ast.AnchorType, ast.AliasType, ast.TagType, ast.MergeKeyType:
		d.at(n, path, "anchors, aliases, merges and tags are not read; write the value itself")
		return
	case ast.NullType:
		if t.Kind() != reflect.Struct && t.Kind() != reflect.Pointer { // a part whose keys are all commented out gives nothing
			d.at(n, path, "has no value; write one, or remove the key")
		}
		return
	}
	switch t.Kind() {
	case reflect.Pointer:
		d.strict(n, t.Elem(), path)
	case reflect.Struct:
		d.strictMapping(n, t, path)
	case reflect.Map:
		d.strictMap(n, t.Elem(), path)
	case reflect.Slice:
		list, ok := n.(*ast.SequenceNode)
		if _, text := n.(*ast.StringNode); text && t == reflect.TypeFor[List]() {
			return
		}
		if !ok {
			d.at(n, path, "is not a list; write [a, b]")
			return
		}
		for i, item := range list.Values {
			if item != nil {
				d.strict(item, t.Elem(), fmt.Sprintf("%s[%d]", path, i))
			}
		}
	default:
		d.strictScalar(n, t.Kind(), path)
	}
}

// members are the keys of a mapping with their values; what is none is a problem.
func (d *document) members(n ast.Node, path string) []*ast.MappingValueNode {
	switch m := n.(type) {
	case *ast.MappingNode:
		return m.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}
	}
	d.at(n, path, "is not a mapping; write keys and values, indented under it")
	return nil
}

func (d *document) strictMapping(n ast.Node, t reflect.Type, path string) {
	names := keys(t)
	seen := map[string]bool{}
	for _, v := range d.members(n, path) {
		key, plain := v.Key.(ast.Node).(*ast.StringNode)
		if !plain {
			d.at(v.Key, path, "a key is not plain text; anchors, merges and tags are not read")
			continue
		}
		at := key.Value
		if path != "" {
			at = path + "." + key.Value
		}
		i := slices.Index(names, key.Value)
		switch {
		case seen[key.Value]:
			d.at(v.Key, at, "is given twice; keep one")
		case i < 0 && t == reflect.TypeFor[Pushed]() && slices.Contains(keys(reflect.TypeFor[File]()), key.Value):
			d.at(v.Key, at, "cannot be pushed, it holds from start to end; set it in the sidecar's own file or flags")
		case i < 0:
			d.at(v.Key, at, "unknown field; "+cure(key.Value, names))
		case v.Value != nil:
			d.strict(v.Value, t.Field(i).Type, at)
		}
		seen[key.Value] = true
	}
}

// strictMap is for a mapping whose keys are the user's to choose.
func (d *document) strictMap(n ast.Node, elem reflect.Type, path string) {
	seen := map[string]bool{}
	for _, v := range d.members(n, path) {
		key, plain := v.Key.(ast.Node).(*ast.StringNode)
		if !plain {
			d.at(v.Key, path, "a key is not plain text; put it in quotes")
			continue
		}
		at := memberPath(path, key.Value)
		if seen[key.Value] {
			d.at(v.Key, at, "is given twice; keep one")
		} else if v.Value != nil {
			d.strict(v.Value, elem, at)
		}
		seen[key.Value] = true
	}
}

// keys returns the YAML key of each field.
func keys(t reflect.Type) []string {
	names := make([]string, t.NumField())
	for i := range names {
		names[i], _, _ = strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
	}
	return names
}

// cure proposes the key that was meant.
func cure(name string, names []string) string {
	best, least := "", max(2, len(name)/3)+1
	for _, n := range names {
		if dist := distance(name, n); dist < least {
			best, least = n, dist
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	return "see `weir check --schema-of-config` for the keys there are"
}

// distance is the Levenshtein distance; long names are far from everything.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			c := diagonal
			if a[i] != b[j] {
				c = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], c
		}
	}
	return row[len(b)]
}

func (d *document) strictScalar(n ast.Node, want reflect.Kind, path string) {
	kind := n.Type()
	number := kind == ast.IntegerType
	switch {
	case kind == ast.MappingType || kind == ast.MappingValueType || kind == ast.SequenceType:
		d.at(n, path, "is a list or a mapping; write one value")
	case want == reflect.Bool && kind != ast.BoolType:
		d.at(n, path, n.GetToken().Value+" is neither true nor false")
	case want == reflect.Int && !number:
		d.at(n, path, fmt.Sprintf("%q is no whole number", n.GetToken().Value))
	case want == reflect.String && kind != ast.StringType && kind != ast.LiteralType && !number:
		d.at(n, path, fmt.Sprintf("%s is not text; put it in quotes", n.GetToken().Value))
	}
}

// at adds a problem at a node.
func (d *document) at(n ast.Node, path, message string) {
	p := Problem{File: d.name, Line: 1, Column: 1, Path: path, Message: message}
	if t := n.GetToken(); t != nil && t.Position != nil {
		p.Line, p.Column = max(1, t.Position.Line), max(1, t.Position.Column)
	}
	d.problems = append(d.problems, p)
}
