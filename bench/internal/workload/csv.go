package workload

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// csvTable is a file that was read.
type csvTable struct {
	columns []column
	rows    int
	err     error
}

// csv compiles a generator of rows.
func (c *compiler) csv(g *generator, f *csvFile) {
	g.kind = table
	if f.As != "" && f.As != "text" && f.As != "json" {
		c.badf(f.n.at("as"), f.path+".as", "%.40q is not one of text, json", f.As)
	}
	t := c.table(f.n, f.path, f.File)
	if t == nil {
		return
	}
	g.columns = t.columns
	if f.Column != "" {
		g.columns = nil
		var names []string
		for i := range t.columns {
			if names = append(names, t.columns[i].name); t.columns[i].name == f.Column {
				g.columns = t.columns[i : i+1 : i+1]
			}
		}
		if g.columns == nil {
			c.badf(f.n.at("column"), f.path+".column", "%s has no column %.40q; %s", f.File, f.Column, nearest(f.Column, names))
			return
		}
	}
	if f.As == "json" {
		g.columns = c.jsonColumns(f, g.columns)
	}
	g.pick = c.draw(f.n, f.path, f.Draw, f.S, uint64(t.rows))
}

// table reads a file once. Quoted line ends make the number of a row and of its line differ; problems name the line.
func (c *compiler) table(n *node, path, name string) *csvTable {
	if name == "" {
		c.badf(n, path, "file is missing; write {file: users.csv, column: id}")
		return nil
	}
	t := c.tables[name]
	if t == nil {
		t = &csvTable{}
		var data []byte
		if data, t.err = c.readFile(name); t.err == nil {
			t.err = t.parse(name, data)
		}
		c.tables[name] = t
	}
	if t.err != nil {
		c.badf(n.at("file"), path+".file", "%v", t.err)
		return nil
	}
	return t
}

// readFile reads a file that the workload names, within the bound of all of them.
func (c *compiler) readFile(name string) ([]byte, error) {
	data, err := c.read(name)
	if err != nil {
		return nil, fmt.Errorf("%w; names are relative to the folder of the workload file", err)
	}
	if c.sizes += len(data); c.sizes > maxTable {
		return nil, fmt.Errorf("%s: this file and those before have %d bytes, the maximum is %d", name, c.sizes, maxTable)
	}
	return data, nil
}

func (t *csvTable) parse(name string, data []byte) error {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
	r.ReuseRecord = true
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%s is empty; its first line names the columns", name)
	}
	if err != nil {
		return csvProblem(name, err)
	}
	t.columns = make([]column, len(header))
	for i, h := range header {
		t.columns[i].name = h
		for _, before := range t.columns[:i] {
			if before.name == h {
				return fmt.Errorf("%s:1:1: two columns are called %q; name them apart", name, h)
			}
		}
		if h == "" {
			return fmt.Errorf("%s:1:1: column %d has no name; the first line names the columns", name, i+1)
		}
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return csvProblem(name, err)
		}
		if t.rows++; t.rows > maxRows {
			return fmt.Errorf("%s has more than %d rows, the maximum", name, maxRows)
		}
		for i, v := range row {
			t.columns[i].add([]byte(v), true)
		}
	}
	if t.rows == 0 {
		return fmt.Errorf("%s has no row behind the line of column names; add one", name)
	}
	return nil
}

func csvProblem(name string, err error) error {
	var at *csv.ParseError
	if errors.As(err, &at) {
		return fmt.Errorf("%s:%d:%d: %w; every row needs as many fields as the first line", name, at.Line, max(1, at.Column), at.Err)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// jsonColumns takes the text of columns as JSON.
func (c *compiler) jsonColumns(f *csvFile, columns []column) []column {
	out := make([]column, len(columns))
	for i := range columns {
		out[i].name = columns[i].name
		for row := range uint64(len(columns[i].ends)) {
			v := columns[i].value(row)
			if !json.Valid(v) {
				c.badf(f.n.at("as"), f.path+".as", "%.40q in row %d, column %s, of %s is no JSON; write as: text", v, row+1, columns[i].name, f.File)
				return columns
			}
			out[i].add(v, false)
		}
	}
	return out
}
