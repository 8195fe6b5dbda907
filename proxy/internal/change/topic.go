package change

import (
	"fmt"
	"strings"
)

// Format is how a topic's records are written.
type Format uint8

// Formats.
const (
	Debezium Format = iota
	Plain           // JSON in the form of POST /cache/invalidate
)

// Lists says which changes of a row concern the lists of its type.
type Lists uint8

// Kinds of changes.
const (
	Always     Lists = iota // every change: one of any column may move a row into a list or out of it
	Membership              // rows that are new or gone
	Never
)

// Topic is a Kafka topic and what its records mean.
type Topic struct {
	Name   string
	Format Format
	Tables []Table // of Debezium
}

// Table maps a table's rows.
type Table struct {
	Name  string // table, schema.table, database.table or database.schema.table
	Type  string // GraphQL type of the rows; empty: only Tags
	Key   string // column of the entity's key; empty: the record's key, when it has one column
	Tags  []Template
	Lists Lists
}

// Template is the format of a tag, such as category-{after.category_id}.
type Template struct{ parts []part }

// part is text and, behind it, a column; without one it is the end.
type part struct {
	text, column  string
	before, after bool // where the column is looked for
}

// ParseTemplate reads a template. Places are {column}, the values before and after the change, {before.column} and {after.column}.
func ParseTemplate(text string) (t Template, err error) {
	for rest := text; ; {
		open := strings.IndexByte(rest, '{')
		if open < 0 {
			if strings.Contains(rest, "}") {
				return t, fmt.Errorf("%q has a } without a {", text)
			}
			t.parts = append(t.parts, part{text: rest})
			return t, nil
		}
		size := strings.IndexByte(rest[open:], '}')
		if size < 0 {
			return t, fmt.Errorf("%q has a { without a }", text)
		}
		p := part{text: rest[:open], column: rest[open+1 : open+size], before: true, after: true}
		if c, ok := strings.CutPrefix(p.column, "before."); ok {
			p.column, p.after = c, false
		} else if c, ok := strings.CutPrefix(p.column, "after."); ok {
			p.column, p.before = c, false
		}
		if p.column == "" || strings.ContainsAny(p.column, "{ ") {
			return t, fmt.Errorf("%q has a place that names no column; write {id}, {before.id} or {after.id}", text)
		}
		t.parts = append(t.parts, p)
		rest = rest[open+size+1:]
	}
}

// Static reports whether the template names the same tag for every row.
func (t *Template) Static() bool { return len(t.parts) == 1 }

// Begin is the text before the first place: what all tags of the template begin with.
func (t *Template) Begin() string { return t.parts[0].text }

// maxTag bounds a tag; no entry has a longer one.
const maxTag = 256

// fill returns the tag for one state of a row. side is which of the two it is.
func (t *Template) fill(row row, before bool) (tag string, ok bool) {
	var b strings.Builder
	for _, p := range t.parts {
		b.WriteString(p.text)
		if p.column == "" {
			break
		}
		if before && !p.before || !before && !p.after {
			return "", false
		}
		v, ok := row.text(p.column)
		if !ok {
			return "", false
		}
		b.WriteString(v)
	}
	return b.String(), b.Len() > 0 && b.Len() <= maxTag
}

// table finds the mapping of a table by the most exact name, nil for none.
func (t *Topic) table(s *source) *Table {
	var names []string
	if s.Table != "" {
		for _, prefix := range []string{s.DB + "." + s.Schema + ".", s.Schema + ".", s.DB + ".", ""} {
			names = append(names, strings.TrimLeft(prefix, ".")+s.Table)
		}
	} else { // a record without a value has only its topic's name, which ends in the table's
		names = append(names, t.Name)
		for rest := t.Name; ; {
			_, after, found := strings.Cut(rest, ".")
			if !found {
				break
			}
			names = append(names, after)
			rest = after
		}
	}
	for _, name := range names {
		for i := range t.Tables {
			if t.Tables[i].Name == name {
				return &t.Tables[i]
			}
		}
	}
	return nil
}
