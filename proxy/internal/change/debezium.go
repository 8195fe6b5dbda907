package change

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// row is a state of a row: JSON values by column.
type row map[string]json.RawMessage

// text returns a column's value as it stands in a tag; null, lists and structures have none.
func (r row) text(column string) (string, bool) {
	v := bytes.TrimSpace(r[column])
	if len(v) == 0 {
		return "", false
	}
	switch v[0] {
	case '"':
		var s string
		return s, json.Unmarshal(v, &s) == nil && s != ""
	case 'n', '{', '[':
		return "", false
	}
	return string(v), true
}

// source is where a change comes from.
type source struct {
	DB     string `json:"db"`
	Schema string `json:"schema"`
	Table  string `json:"table"`
	TimeMS int64  `json:"ts_ms"`
}

// envelope is Debezium's value.
type envelope struct {
	Before row    `json:"before"`
	After  row    `json:"after"`
	Source source `json:"source"`
	Op     string `json:"op"`
	TimeMS int64  `json:"ts_ms"`
}

// wrapped is an envelope or key inside {"schema":…,"payload":…}.
type wrapped struct {
	Schema  json.RawMessage `json:"schema"`
	Payload json.RawMessage `json:"payload"`
}

// unwrap takes the payload out of a value that has one beside its schema. A row may have a column of either name: both must be there, and the
// schema be one.
func unwrap(value []byte) []byte {
	var w wrapped
	if json.Unmarshal(value, &w) != nil || len(w.Payload) == 0 {
		return value
	}
	if s := bytes.TrimSpace(w.Schema); len(s) > 0 && s[0] != '{' && s[0] != 'n' {
		return value
	}
	return w.Payload
}

var errNoEnvelope = errors.New("is no Debezium envelope: it has no op; the connector must write JSON and keep the envelope")

// readDebezium adds what a record says to the batch.
func readDebezium(t *Topic, key, value []byte, b *Batch) (Outcome, int64, error) {
	payload := bytes.TrimSpace(value)
	if len(payload) <= maxValue {
		payload = bytes.TrimSpace(unwrap(payload))
	}
	if len(payload) == 0 || bytes.Equal(payload, []byte("null")) || len(payload) > maxValue {
		// A tombstone, or more than is read: the key tells which row.
		table := t.table(&source{})
		if table == nil {
			return UnknownTable, 0, nil
		}
		table.add(b, nil, nil, keyRow(key), "")
		return Obeyed, 0, nil
	}
	var e envelope
	if err := json.Unmarshal(payload, &e); err != nil {
		return Poison, 0, fmt.Errorf("is no Debezium envelope: %w", shortened(err))
	}
	ms := e.Source.TimeMS
	if ms == 0 {
		ms = e.TimeMS
	}
	switch e.Op {
	case "c", "u", "d", "r", "t":
	case "m": // a message in the database's log, of no table
		return Ignored, ms, nil
	case "":
		return Poison, 0, errNoEnvelope
	default:
		return Poison, 0, fmt.Errorf("has the op %.20q, which is not known", e.Op)
	}
	table := t.table(&e.Source)
	if table == nil {
		return UnknownTable, ms, nil
	}
	table.add(b, e.Before, e.After, keyRow(key), e.Op)
	return Obeyed, ms, nil
}

// keyRow reads a record's key; nil when it is none.
func keyRow(key []byte) row {
	var r row
	if len(key) == 0 || len(key) > maxKey || json.Unmarshal(unwrap(key), &r) != nil {
		return nil
	}
	return r
}

// add names what a change of a row concerns. op is as in the envelope, "" when it is not known.
func (t *Table) add(b *Batch, before, after, key row, op string) {
	if t.Type != "" {
		t.addType(b, before, after, key, op)
	}
	for i := range t.Tags {
		tag := &t.Tags[i]
		named := tag.Static()
		if named {
			b.tag(tag.Begin())
		}
		for _, side := range []struct {
			row    row
			before bool
		}{{before, true}, {after, false}} {
			if text, ok := tag.fill(side.row, side.before); ok && !tag.Static() {
				b.tag(text)
				named = true
			}
		}
		if !named && before == nil && after == nil { // a table that was emptied, or a row of which only the key is known
			if text, ok := tag.fill(key, false); ok && op != "t" {
				b.tag(text)
				continue
			}
			b.prefix(tag.Begin())
		}
	}
}

func (t *Table) addType(b *Batch, before, after, key row, op string) {
	if t.Lists == Always || t.Lists == Membership && op != "u" {
		b.tag("list:" + t.Type)
	}
	if op == "t" {
		b.whole(t.Type)
		return
	}
	named := false
	for _, r := range []row{before, after, key} {
		column := t.Key
		if column == "" && len(key) == 1 {
			for name := range key {
				column = name
			}
		}
		if id, ok := r.text(column); ok {
			b.entity(t.Type, id)
			named = true
		}
	}
	if !named {
		b.whole(t.Type)
	}
}
