package workload

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// What bounds a workload file: the YAML parser's time grows with the square of its lines, and it follows nesting by recursion.
const (
	maxFile    = 512 << 10
	maxLines   = 10_000
	maxNesting = 32
)

// node is one value of the file with its place.
type node struct {
	kind         nodeKind
	line, column int
	text         string // of a scalar; numbers as JSON writes them
	written      string // of a whole number: as the file writes it
	block        bool   // the text is a literal block: it begins on the next line
	indent       int    // of a literal block
	keys         []*node
	items        []*node // of a list, or the values of the keys
}

type nodeKind uint8

const (
	nullNode nodeKind = iota
	boolNode
	intNode
	floatNode
	textNode
	listNode
	mapNode
)

// get returns the value of a key, nil when there is none.
func (n *node) get(key string) *node {
	if n == nil || n.kind != mapNode {
		return nil
	}
	for i, k := range n.keys {
		if k.text == key {
			return n.items[i]
		}
	}
	return nil
}

// at returns the value of a key, or the node itself when there is none: the place to name.
func (n *node) at(key string) *node {
	if v := n.get(key); v != nil {
		return v
	}
	return n
}

// readYAML reads one document; nil when it is empty. What YAML has beyond plain values is a problem.
func (s *source) readYAML(text []byte) (root *node) {
	defer func() {
		if e := recover(); e != nil { // the YAML library on hostile input
			s.badf(nil, "", "the document cannot be read as YAML: %v", e)
			root = nil
		}
	}()
	if problem, line := unreadable(text); problem != "" {
		s.badf(nil, "", "%s", problem)
		if line > 0 {
			s.problems[len(s.problems)-1].Line, s.problems[len(s.problems)-1].Column = line, 1
		}
		return nil
	}
	s.lines = bytes.Split(text, []byte("\n"))
	file, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey()) // convert tells those, with all else
	if err != nil {
		s.syntax(err)
		return nil
	}
	if n := len(file.Docs); n > 1 {
		s.badf(nil, "", "there are %d documents; one file holds one workload", n)
		return nil
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return nil
	}
	if t := file.Docs[0].Body.Type(); t == ast.NullType || t == ast.CommentType {
		return nil
	}
	return s.convert(file.Docs[0].Body, "")
}

// unreadable says why text is not given to the YAML parser, "" when it is.
func unreadable(text []byte) (problem string, line int) {
	if len(text) > maxFile {
		return fmt.Sprintf("the file has %d bytes, the maximum is %d; keep documents in files of their own (file: …) and lists in CSV files", len(text), maxFile), 0
	}
	if n := bytes.Count(text, []byte("\n")); n > maxLines {
		return fmt.Sprintf("the file has %d lines, the maximum is %d; keep documents in files of their own (file: …) and lists in CSV files", n, maxLines), 0
	}
	if bytes.Count(text, []byte("\r")) != bytes.Count(text, []byte("\r\n")) {
		return "there are carriage returns without line feeds; save it with LF or CRLF line ends", 0
	}
	if line := tooDeep(text); line > 0 {
		return fmt.Sprintf("the document nests deeper than %d; keep GraphQL in a literal block (document: |) or in a file of its own", maxNesting), line
	}
	return "", 0
}

// tooDeep returns the line at which brackets, or the marks before the first word of a line, nest too deep; 0 for none.
func tooDeep(text []byte) int {
	open, number := 0, 0
	for line := range bytes.Lines(text) {
		number++
		marks := line[:len(line)-len(bytes.TrimLeft(line, " \t-?:!&*"))]
		if len(marks) > 8*maxNesting || len(marks)-bytes.Count(marks, []byte(" "))-bytes.Count(marks, []byte("\t")) > maxNesting {
			return number
		}
		for _, c := range line {
			switch c {
			case '{', '[':
				if open++; open > maxNesting {
					return number
				}
			case '}', ']':
				open = max(0, open-1)
			}
		}
	}
	return 0
}

func (s *source) syntax(err error) {
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil || at.GetToken().Position == nil {
		s.badf(nil, "", "%s; check the YAML", firstLine(err.Error()))
		return
	}
	p := at.GetToken().Position
	s.badf(&node{line: max(1, p.Line), column: max(1, p.Column)}, "", "%s; check indentation, quotes and brackets", firstLine(at.GetMessage()))
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// convert makes a node of a YAML tree.
func (s *source) convert(n ast.Node, path string) *node {
	out := &node{line: 1, column: 1}
	if t := n.GetToken(); t != nil && t.Position != nil {
		out.line, out.column = max(1, t.Position.Line), max(1, t.Position.Column)
	}
	switch v := n.(type) {
	case *ast.NullNode:
	case *ast.BoolNode:
		out.kind, out.text = boolNode, strconv.FormatBool(v.Value)
	case *ast.IntegerNode:
		out.kind, out.text, out.written = intNode, fmt.Sprint(v.Value), v.Token.Value
	case *ast.FloatNode:
		out.kind, out.text = floatNode, strconv.FormatFloat(v.Value, 'g', -1, 64)
		if strings.Trim(v.Token.Value, "0123456789.") == "" && strings.Trim(v.Token.Value, ".") == v.Token.Value {
			out.text = v.Token.Value // 1.50 stays so: its digits say how a number is written
		}
		if math.IsInf(v.Value, 0) || math.IsNaN(v.Value) {
			s.badf(out, path, "%s is no number that JSON can write", v.Token.Value)
			out.kind, out.text = nullNode, ""
		}
	case *ast.StringNode:
		out.kind, out.text = textNode, v.Value
	case *ast.LiteralNode:
		out.kind, out.text, out.block = textNode, v.Value.Value, v.Start != nil && strings.HasPrefix(v.Start.Value, "|")
		out.indent = s.indentAfter(out.line)
	case *ast.SequenceNode:
		out.kind = listNode
		for i, item := range v.Values {
			out.items = append(out.items, s.child(item, out, fmt.Sprintf("%s[%d]", path, i)))
		}
	case *ast.MappingNode:
		s.convertMapping(out, v.Values, path)
	case *ast.MappingValueNode:
		s.convertMapping(out, []*ast.MappingValueNode{v}, path)
	case *ast.InfinityNode, *ast.NanNode:
		s.badf(out, path, "%s is no number that JSON can write", n.GetToken().Value)
	default:
		s.badf(out, path, "anchors, aliases, merges and tags are not read; write the value itself")
	}
	return out
}

// indentAfter is the indentation of the first line with text behind a line.
func (s *source) indentAfter(line int) int {
	for ; line < len(s.lines); line++ {
		if rest := bytes.TrimLeft(s.lines[line], " "); len(bytes.TrimSpace(rest)) > 0 {
			return len(s.lines[line]) - len(rest)
		}
	}
	return 0
}

// child converts a value that may be missing.
func (s *source) child(n ast.Node, parent *node, path string) *node {
	if n == nil {
		return &node{line: parent.line, column: parent.column}
	}
	return s.convert(n, path)
}

func (s *source) convertMapping(out *node, values []*ast.MappingValueNode, path string) {
	out.kind = mapNode
	seen := map[string]bool{}
	for i, v := range values {
		if v.Key == nil {
			continue
		}
		key := &node{kind: textNode, line: out.line, column: out.column}
		if t := v.Key.GetToken(); t != nil && t.Position != nil {
			key.line, key.column = max(1, t.Position.Line), max(1, t.Position.Column)
		}
		switch k := v.Key.(type) {
		case *ast.StringNode:
			key.text = k.Value
		case *ast.IntegerNode, *ast.BoolNode, *ast.FloatNode:
			key.text = v.Key.GetToken().Value
		default:
			s.badf(key, path, "a key is not plain text; anchors, merges and tags are not read")
			continue
		}
		if i == 0 {
			out.line, out.column = key.line, key.column // a mapping begins at its first key
		}
		at := join(path, key.text)
		if seen[key.text] {
			s.badf(key, at, "is given twice; keep one")
			continue
		}
		seen[key.text] = true
		out.keys = append(out.keys, key)
		out.items = append(out.items, s.child(v.Value, key, at))
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
