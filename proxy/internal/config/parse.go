package config

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"sort"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Problem is one thing that is wrong, with its place and its cure.
type Problem struct {
	File         string
	Line, Column int // 0: not in a file (a flag)
	Path         string
	Message      string
}

// String returns file:line:column: path: message.
func (p Problem) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "%s:%d:%d: ", p.File, p.Line, p.Column)
	} else if p.File != "" {
		b.WriteString(p.File + ": ")
	}
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	return b.String() + p.Message
}

// Problems are everything that is wrong with a configuration, in the order of the document.
type Problems []Problem

// Error returns one problem a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// document finds the places of values, to name them in problems.
type document struct {
	name     string
	file     *ast.File
	problems Problems
}

// addf adds a problem with the value at a path such as policy.limits.depth.max.
func (d *document) addf(path, format string, args ...any) {
	p := Problem{File: d.name, Path: path, Message: fmt.Sprintf(format, args...)}
	for key := path; p.Line == 0 && key != "" && d.file != nil; {
		if at, err := yaml.PathString("$." + key); err == nil {
			if node, err := at.FilterFile(d.file); err == nil && node != nil && node.GetToken() != nil {
				p.Line, p.Column = node.GetToken().Position.Line, node.GetToken().Position.Column
			}
		}
		i := strings.LastIndexByte(key, '.')
		key = key[:max(i, 0)]
	}
	d.problems = append(d.problems, p)
}

// err returns the problems, nil when there are none.
func (d *document) err() error {
	if len(d.problems) == 0 {
		return nil
	}
	sort.SliceStable(d.problems, func(i, j int) bool {
		a, b := d.problems[i], d.problems[j]
		return a.Line < b.Line || a.Line == b.Line && a.Column < b.Column
	})
	return d.problems
}

// What bounds a configuration's text: the YAML parser's time grows with the square of it.
const (
	maxDocument = 64 << 10
	maxLines    = 4000
)

// decode reads text over what into holds. Unknown keys and wrong types are problems with their place.
func decode(name string, text []byte, into any) (doc *document, err error) {
	d := &document{name: name}
	defer func() {
		if e := recover(); e != nil { // the YAML library on hostile input
			doc, err = nil, Problems{{File: name, Message: fmt.Sprintf("the document cannot be read as YAML: %v", e)}}
		}
	}()
	if len(text) > maxDocument {
		return nil, Problems{{File: name, Message: fmt.Sprintf("the document has %d bytes, the maximum is %d", len(text), maxDocument)}}
	}
	if n := bytes.Count(text, []byte("\n")); n > maxLines {
		return nil, Problems{{File: name, Message: fmt.Sprintf("the document has %d lines, the maximum is %d", n, maxLines)}}
	}
	if bytes.Count(text, []byte("\r")) != bytes.Count(text, []byte("\r\n")) {
		return nil, Problems{{File: name, Message: "there are carriage returns without line feeds; save it with LF or CRLF line ends"}}
	}
	if line := tooDeep(text); line > 0 {
		return nil, Problems{{File: name, Line: line, Column: 1, Message: fmt.Sprintf("the document nests deeper than %d; no key needs that", maxNesting)}}
	}
	file, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey()) // strict tells those, with all else
	if err != nil {
		return nil, Problems{problemOf(name, err)}
	}
	if n := len(file.Docs); n > 1 {
		return nil, Problems{{File: name, Message: fmt.Sprintf("there are %d documents; one file holds one", n)}}
	}
	d.file = file
	if len(bytes.TrimSpace(text)) == 0 || len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return d, nil
	}
	if body := file.Docs[0].Body; body.Type() != ast.NullType && body.Type() != ast.CommentType {
		d.strict(body, reflect.TypeOf(into).Elem(), "")
		if err = d.err(); err != nil {
			return nil, err
		}
	}
	if err = yaml.UnmarshalWithOptions(text, into, yaml.Strict()); err != nil {
		return nil, Problems{problemOf(name, err)}
	}
	return d, nil
}

func problemOf(name string, err error) Problem {
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil {
		return Problem{File: name, Message: err.Error()}
	}
	p := at.GetToken().Position
	message := at.GetMessage()
	if strings.HasPrefix(message, "unknown field") {
		message += "; see `weir check --schema-of-config` for the keys there are"
	}
	return Problem{File: name, Line: p.Line, Column: p.Column, Message: message}
}

// ReadFile reads a configuration file over the defaults. It does not validate: flags may still change it.
func ReadFile(name string) (File, *Source, error) {
	f := DefaultFile()
	text, err := os.ReadFile(name)
	if err != nil {
		return f, nil, fmt.Errorf("config: %w", err)
	}
	d, err := decode(name, text, &f)
	if err != nil {
		return f, nil, err
	}
	return f, &Source{d}, nil
}

// Source remembers where the values of a File came from.
type Source struct{ d *document }

// clone copies what decoding could write through.
func (p Policy) clone() Policy {
	p.Scope = p.Scope.Clone()
	p.Cache.TTL = maps.Clone(p.Cache.TTL)
	return p
}
