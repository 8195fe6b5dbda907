package workload

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/weirproxy/weir/bench/internal/load"
)

// Load reads a workload file. Its error names everything that is wrong, each with file, line, column and cure.
func Load(path string) (*Workload, error) {
	text, err := readBounded(path, maxFile)
	if err != nil {
		return nil, fmt.Errorf("workload: %w", err)
	}
	folder := filepath.Dir(path)
	return compile(path, text, func(name string) ([]byte, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(folder, name)
		}
		return readBounded(name, maxTable)
	})
}

// readBounded reads a regular file of at most so many bytes.
func readBounded(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no regular file", path)
	case info.Size() > most:
		return nil, fmt.Errorf("%s has %d bytes, the maximum is %d", path, info.Size(), most)
	}
	return os.ReadFile(path)
}

// compile makes a workload of a file's text.
func compile(name string, text []byte, read func(string) ([]byte, error)) (*Workload, error) {
	s := &source{name: name}
	root := s.readYAML(text)
	if root == nil {
		if len(s.problems) == 0 {
			s.badf(nil, "", "there is nothing in it; write operations: with at least one, see bench/workload.example.yaml")
		}
		return nil, s.err()
	}
	c := &compiler{
		source: s, read: read, w: &Workload{name: strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))},
		file: &File{}, names: map[string]int{}, tables: map[string]*csvTable{},
	}
	c.decode(root, reflect.ValueOf(c.file).Elem(), "")
	if root.kind != mapNode {
		return nil, c.err()
	}
	decoded := c.problems
	c.problems = nil
	c.compileAll()
	c.problems = slices.DeleteFunc(c.problems, func(p Problem) bool { return slices.ContainsFunc(decoded, p.follows) })
	c.problems = append(c.problems, decoded...)
	if err := c.err(); err != nil {
		return nil, err
	}
	return c.w, nil
}

func (c *compiler) compileAll() {
	f := c.file
	if f.Name != "" {
		c.w.name = f.Name
	}
	c.choice(f.n, "", "method", f.Method, methods)
	c.choice(f.n, "", "persisted", f.Persisted, persistences)
	c.users()
	for _, p := range f.Variables {
		c.state = append(c.state, compileState{pair: p})
	}
	for i := range c.state {
		if c.state[i].step == 0 {
			c.compileNamed(&c.state[i])
		}
	}
	c.operations()
	c.plain = true
	c.subscriptions()
	if len(f.Operations) == 0 && len(f.Subscriptions) == 0 {
		c.badf(f.n, "operations", "is missing or empty; write at least one operation, or subscriptions")
	}
}

var (
	methods      = []string{"POST", "GET"}
	persistences = []string{"off", "apq", "trusted"}
	kinds        = []string{load.KindQuery, load.KindMutation}
	protocols    = []string{"graphql-transport-ws", "graphql-ws", "sse", "sse-get"}
)

// choice checks a value that is one of several; empty is none.
func (c *compiler) choice(n *node, path, key, value string, list []string) {
	for _, v := range append(list, "") {
		if v == value {
			return
		}
	}
	c.badf(n.at(key), join(path, key), "%.40q is not one of %s", value, meant(value, list))
}

// users makes the generator ${user} and the header that names it.
func (c *compiler) users() {
	u := c.file.Users
	if u == nil {
		return
	}
	g := generator{name: "user", kind: integers, start: 1, step: 1}
	switch {
	case u.Count != 0 && u.CSV != "":
		c.badf(u.n.at("csv"), u.path+".csv", "count and csv are two ways to say who they are; keep one")
	case u.CSV != "":
		if t := c.table(&node{line: u.n.at("csv").line, column: u.n.at("csv").column}, u.path+".csv", u.CSV); t != nil {
			g.kind, g.columns = table, t.columns
			g.pick = c.draw(u.n, u.path, u.Draw, u.S, uint64(t.rows))
		}
	case u.n.get("count") == nil:
		c.badf(u.n, u.path+".count", "is missing; write count: 1 or more, or csv: FILE")
	case u.Count < 1 || u.Count > 1<<40:
		c.badf(u.n.at("count"), u.path+".count", "%d users; write count: 1 or more, or csv: FILE", u.Count)
	default:
		g.pick = c.draw(u.n, u.path, u.Draw, u.S, uint64(u.Count))
	}
	c.names["user"] = c.append(g)
}

// token is the header line of a user, nil when users carry none.
func (c *compiler) token() (name string, value *node, path string) {
	u := c.file.Users
	if u == nil {
		return "", nil, ""
	}
	name, value, path = "Authorization", u.n.get("token"), u.path+".token"
	if u.Header != "" {
		name = u.Header
	}
	if value == nil {
		if len(c.w.generators[c.names["user"]].columns) > 1 {
			c.badf(u.n, path, "is missing; write the value of the header, for example \"Bearer ${user.token}\"")
			return "", nil, ""
		}
		value = &node{kind: textNode, line: u.n.line, column: u.n.column, text: "Bearer ${user}"}
	}
	return name, value, path
}
