package subgraphs

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// Row is an object. Its fields hold string, bool, int64, float64 or, for custom scalars, json.RawMessage for leaves, nil, *Row, []any of these, or a Fault, a *Derived or a *Change.
type Row struct {
	Type   string
	Fields map[string]any
}

// Fault is a field that fails.
type Fault string

func (f Fault) Error() string { return string(f) }

// Derived is the value of a field with @requires: a text made of what is required.
type Derived struct{ Requires string }

// Change is a field of Mutation: it adds 1 to the number Field of the row of a type with the id that its argument names, and returns the row.
type Change struct{ Type, Field string }

// Note is a field of Mutation: it writes its argument down, behind what others of all subgraphs have written, and returns all of it.
type Note struct{}

// Data is what all subgraphs know together. Queries may run concurrently with mutations.
type Data struct {
	Rows map[string][]*Row // by object type; Query and Mutation have one each, Subscription one for each event
	// Objects lists, for an interface or a union, its object types, over all subgraphs.
	Objects map[string][]string

	changing sync.Mutex // guards the numbers in rows, before and notes
	before   map[place]int64
	notes    []string
	finding  sync.Mutex                 // guards found; changing may be locked in it
	found    map[string]map[string]*Row // by type and key: rendered key
}

// rows lists those of an object type, or of an interface.
func (d *Data) rows(name string) []*Row {
	out := d.Rows[name]
	for _, o := range d.Objects[name] {
		out = append(out[:len(out):len(out)], d.Rows[o]...)
	}
	return out
}

// find returns the row of a type whose key is rendered so.
func (d *Data) find(name string, key *selection, text string) *Row {
	d.finding.Lock()
	defer d.finding.Unlock()
	if d.found == nil {
		d.found = map[string]map[string]*Row{}
	}
	at := name + " " + key.text
	index := d.found[at]
	if index == nil {
		index = map[string]*Row{}
		for _, r := range d.rows(name) {
			text, _ := d.render(key.set, r)
			index[text] = r
		}
		d.found[at] = index
	}
	return index[text]
}

// value resolves a field of a row for its arguments: texts show them, and lists obey first.
func (d *Data) value(r *Row, field string, args map[string]any) (any, error) {
	v := r.Fields[field]
	switch x := v.(type) {
	case Fault:
		return nil, x
	case *Derived:
		key, err := parseSelection(x.Requires)
		if err != nil {
			return nil, err
		}
		text, _ := d.render(key.set, r)
		v = text
	case *Change:
		return d.change(x, args)
	case Note:
		d.changing.Lock()
		defer d.changing.Unlock()
		text, _ := args["text"].(string)
		d.notes = append(d.notes, text)
		return strings.Join(d.notes, ","), nil
	case int64:
		d.changing.Lock()
		defer d.changing.Unlock()
		return r.Fields[field], nil
	}
	return withArguments(v, args), nil
}

func withArguments(v any, args map[string]any) any {
	if len(args) == 0 {
		return v
	}
	switch x := v.(type) {
	case string:
		shown, err := json.Marshal(args)
		if err != nil {
			panic("BUG: arguments are no JSON: " + err.Error())
		}
		return x + string(shown)
	case []any:
		if n, ok := args["first"].(int64); ok && n >= 0 && int(n) < len(x) {
			return x[:n]
		}
	}
	return v
}

func (d *Data) change(c *Change, args map[string]any) (any, error) {
	d.changing.Lock()
	defer d.changing.Unlock()
	for _, r := range d.Rows[c.Type] {
		if r.Fields["id"] == args["id"] {
			n, _ := r.Fields[c.Field].(int64)
			if d.before == nil {
				d.before = map[place]int64{}
			}
			if _, known := d.before[place{r, c.Field}]; !known {
				d.before[place{r, c.Field}] = n
			}
			r.Fields[c.Field] = n + 1
			return r, nil
		}
	}
	return nil, fmt.Errorf("there is no %s with the id %v", c.Type, args["id"])
}

func number(n json.Number) any {
	if i, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
		return i
	}
	if f, err := n.Float64(); err == nil && strconv.FormatFloat(f, 'g', -1, 64) == n.String() {
		return f
	}
	return n
}

// Reset takes back all changes.
func (d *Data) Reset() {
	d.changing.Lock()
	defer d.changing.Unlock()
	for at, n := range d.before {
		at.row.Fields[at.field] = n
	}
	clear(d.before)
	d.notes = nil
}

// place is a number that was changed.
type place struct {
	row   *Row
	field string
}
