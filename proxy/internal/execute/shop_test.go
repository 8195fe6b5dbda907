package execute

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/subgraph"
)

// store answers documents about 6 users, 5 products and their reviews, as any of the subgraphs or, since it knows all fields, as all of
// them at once. It reads what plans are made of: fields, aliases, inline fragments and _entities; named fragments without directives.
type store struct {
	mu      sync.Mutex
	answers map[string][]byte // HTTP, by the body of the request
	fetches int
}

var reviewBody = strings.Repeat("it stands well in a small room and the finish is better than the price suggests; ", 5)

// resolve returns the value of a leaf, or the type and the ids of the objects in a field.
func resolve(typ string, id int, name string) (leaf any, of string, ids []int) {
	switch name {
	case "users":
		return nil, "User", []int{1, 2, 3, 4, 5, 6}
	case "topProducts":
		return nil, "Product", []int{1, 2, 3, 4, 5}
	case "reviews":
		return nil, "Review", []int{1, 2, 3}[:3-id%2]
	case "author":
		return nil, "User", []int{1 + id%2}
	case "product":
		return nil, "Product", []int{1 + id%2}
	case "__typename":
		return typ, "", nil
	case "id", "upc":
		return strconv.Itoa(id), "", nil
	case "body":
		return reviewBody, "", nil
	case "inStock":
		return id%2 == 0, "", nil
	case "price", "weight", "shippingEstimate", "birthday":
		return 100 * id, "", nil
	}
	return name + " of " + typ + " " + strconv.Itoa(id), "", nil
}

// document is one under way.
type document struct {
	fragments map[string][]string
	variables map[string][]map[string]string
	out       []byte
}

// block returns the tokens between the braces at the beginning of t, and those behind.
func block(t []string) (in, rest []string) {
	for i, depth := 0, 0; ; i++ {
		switch t[i] {
		case "{":
			depth++
		case "}":
			if depth--; depth == 0 {
				return t[1:i], t[i+1:]
			}
		}
	}
}

func (d *document) object(typ string, id int, t []string) {
	d.out = append(d.out, '{')
	d.members(typ, id, t)
	d.out = append(bytes.TrimSuffix(d.out, []byte(",")), '}', ',')
}

func (d *document) members(typ string, id int, t []string) {
	for len(t) > 0 {
		var in []string
		switch {
		case t[0] == "..." && t[1] == "on":
			of := t[2]
			if in, t = block(t[3:]); of == typ {
				d.members(typ, id, in)
			}
			continue
		case t[0] == "...":
			d.members(typ, id, d.fragments[t[1]])
			t = t[2:]
			continue
		}
		key, name := t[0], t[0]
		if t = t[1:]; len(t) > 1 && t[0] == ":" {
			name, t = t[1], t[2:]
		}
		d.out = append(strconv.AppendQuote(d.out, key), ':')
		if name == "_entities" { // (representations:$r)
			in, rest := block(t[5:])
			d.out = append(d.out, '[')
			for _, r := range d.variables[t[3][1:]] {
				n, _ := strconv.Atoi(r["id"] + r["upc"])
				d.object(r["__typename"], n, in)
			}
			d.out = append(bytes.TrimSuffix(d.out, []byte(",")), ']', ',')
			t = rest
			continue
		}
		leaf, of, ids := resolve(typ, id, name)
		if of == "" {
			text, _ := json.Marshal(leaf)
			d.out = append(append(d.out, text...), ',')
			continue
		}
		in, t = block(t)
		list := name != "author" && name != "product"
		if list {
			d.out = append(d.out, '[')
		}
		for _, n := range ids {
			d.object(of, n, in)
		}
		if list {
			d.out = append(bytes.TrimSuffix(d.out, []byte(",")), ']', ',')
		}
	}
}

// answerTo returns the body of the answer to a document.
func answerTo(query string, variables map[string][]map[string]any) []byte {
	d := document{fragments: map[string][]string{}, variables: map[string][]map[string]string{}}
	for name, list := range variables {
		for _, r := range list {
			m := map[string]string{}
			for k, v := range r {
				m[k] = fmt.Sprint(v)
			}
			m["price"], m["weight"] = "", ""
			d.variables[name] = append(d.variables[name], m)
		}
	}
	for _, p := range []string{"{", "}", "(", ")", ":", "..."} {
		query = strings.ReplaceAll(query, p, " "+p+" ")
	}
	var root []string
	for t := strings.Fields(query); len(t) > 0; {
		name := ""
		if t[0] == "fragment" {
			name = t[1]
		}
		for t[0] != "{" {
			t = t[1:]
		}
		var in []string
		in, t = block(t)
		if name == "" {
			root = in
		} else {
			d.fragments[name] = in
		}
	}
	d.out = append(d.out, `{"data":`...)
	d.object("Query", 0, root)
	return append(bytes.TrimSuffix(d.out, []byte(",")), '}')
}

// answer returns the answer to a request body, as HTTP.
func (s *store) answer(body []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetches++
	if a := s.answers[string(body)]; a != nil {
		return a
	}
	var request struct {
		Query     string
		Variables map[string][]map[string]any
	}
	if err := json.Unmarshal(body, &request); err != nil {
		panic(err)
	}
	a := answerTo(request.Query, request.Variables)
	a = append(fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", len(a)), a...)
	s.answers[string(body)] = a
	return a
}

// memoryConn answers a request when it is written.
type memoryConn struct {
	net.Conn
	store *store
	rest  []byte
}

func (c *memoryConn) Write(b []byte) (int, error) {
	_, body, _ := bytes.Cut(b, []byte("\r\n\r\n"))
	c.rest = c.store.answer(body)
	return len(b), nil
}

func (c *memoryConn) Read(b []byte) (int, error) {
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (*memoryConn) SetDeadline(time.Time) error     { return nil }
func (*memoryConn) SetReadDeadline(time.Time) error { return nil }
func (*memoryConn) Close() error                    { return nil }

// serveSocket answers the requests of a connection without allocating once it has seen them.
func (s *store) serveSocket(c net.Conn) {
	defer func() { _ = c.Close() }()
	b := make([]byte, 0, 64<<10)
	for {
		n, err := c.Read(b[len(b):cap(b)])
		if err != nil {
			return
		}
		b = b[:len(b)+n]
		for {
			head, rest, ok := bytes.Cut(b, []byte("\r\n\r\n"))
			if !ok {
				break
			}
			_, length, _ := bytes.Cut(head, []byte("Content-Length: "))
			size := 0
			for _, digit := range length {
				if digit < '0' || digit > '9' {
					break
				}
				size = 10*size + int(digit-'0')
			}
			if len(rest) < size {
				break
			}
			if _, err := c.Write(s.answer(rest[:size])); err != nil {
				return
			}
			b = b[:copy(b, rest[size:])]
		}
	}
}

// shopOf returns the supergraph of the shop over a store, in memory or over sockets.
func shopOf(tb testing.TB, sockets bool, cfg Config) (*store, *planner.Supergraph, *Executor) {
	tb.Helper()
	s := &store{answers: map[string][]byte{}}
	dial := func(context.Context, string) (net.Conn, error) { return &memoryConn{store: s}, nil }
	if sockets {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go s.serveSocket(c)
			}
		}()
		dial = func(ctx context.Context, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
		}
	}
	sg, e := shopWith(tb, subgraph.Config{Dial: dial, Share: true}, cfg)
	return s, sg, e
}

// shopWith makes the clients of the shop by sub.
func shopWith(tb testing.TB, sub subgraph.Config, cfg Config) (*planner.Supergraph, *Executor) {
	tb.Helper()
	sdl, err := os.ReadFile("../../../planner/testdata/shop.graphql")
	if err != nil {
		tb.Fatal(err)
	}
	sg, err := planner.LoadSupergraph("shop", string(sdl))
	if err != nil {
		tb.Fatal(err)
	}
	for _, g := range sg.Subgraphs() {
		sub.URL = g.URL
		c, err := subgraph.New(sub)
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(c.Close)
		cfg.Clients = append(cfg.Clients, c)
	}
	return sg, New(cfg)
}
