package subgraphs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/weirproxy/weir/bench/internal/gql"
)

// Answer answers the JSON body of a GraphQL request.
func (s *Subgraph) Answer(ctx context.Context, body []byte) []byte {
	r, err := request(body)
	if err != nil {
		return []byte(`{"errors":[{"message":"the request is no JSON"}]}`)
	}
	return s.engine.Execute(ctx, r).AppendJSON(nil)
}

// Events lists the answers to the events of a subscription, of which the tables have one for each row of Subscription.
func (s *Subgraph) Events(ctx context.Context, body []byte) (answers [][]byte, err error) {
	r, err := request(body)
	if err != nil {
		return nil, err
	}
	refused := s.engine.Subscribe(ctx, r, func(a *gql.Response) bool {
		answers = append(answers, a.AppendJSON(nil))
		return true
	})
	if refused != nil {
		return nil, fmt.Errorf("subgraph: %s", refused.AppendErrors(nil))
	}
	return answers, nil
}

func request(body []byte) (*gql.Request, error) {
	var r struct {
		Query         string         `json:"query"`
		OperationName string         `json:"operationName"`
		Variables     map[string]any `json:"variables"`
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&r); err != nil {
		return nil, err
	}
	return &gql.Request{Query: r.Query, OperationName: r.OperationName, Variables: r.Variables}, nil
}

// Conduct says how a subgraph behaves. The zero value is well-behaved.
type Conduct struct {
	Delay  time.Duration // before each answer
	Status int           // of each answer; 0: 200
	Body   string        // in place of each answer; empty: the answer
	Drop   bool          // close the connection without an answer
}

// Server serves subgraphs on one loopback address, each under its own path.
type Server struct {
	address string
	http    *fasthttp.Server
	done    chan error
	known   sync.Map // by path: *served
	asked   atomic.Int64
}

type served struct {
	subgraph *Subgraph
	conduct  atomic.Pointer[Conduct]
}

// Serve opens a server on a free port of the loopback.
func Serve() (*Server, error) { return ServeAt("127.0.0.1:0") }

// ServeAt opens a server at HOST:PORT, such as that of one that was closed.
func ServeAt(address string) (*Server, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	s := &Server{address: l.Addr().String(), done: make(chan error, 1)}
	s.http = &fasthttp.Server{Handler: s.handle, NoDefaultServerHeader: true, CloseOnShutdown: true}
	go func() { s.done <- s.http.Serve(l) }()
	return s, nil
}

// Put serves a subgraph under a name, in place of the one before, and returns its URL. nil removes the name.
func (s *Server) Put(name string, g *Subgraph) (url string) {
	path := "/" + name
	if g == nil {
		s.known.Delete(path)
		return ""
	}
	v := &served{subgraph: g}
	v.conduct.Store(&Conduct{})
	s.known.Store(path, v)
	return "http://" + s.address + path
}

// Behave switches the conduct of a subgraph.
func (s *Server) Behave(name string, c Conduct) {
	if v, ok := s.known.Load("/" + name); ok {
		v.(*served).conduct.Store(&c)
	}
}

// Address is HOST:PORT.
func (s *Server) Address() string { return s.address }

// Asked counts the requests so far.
func (s *Server) Asked() int64 { return s.asked.Load() }

// Close ends the server and its connections.
func (s *Server) Close() error {
	return errors.Join(s.http.Shutdown(), <-s.done)
}

func (s *Server) handle(c *fasthttp.RequestCtx) {
	s.asked.Add(1)
	v, ok := s.known.Load(strings.TrimSuffix(string(c.Path()), "/"))
	if !ok {
		c.Error("no such subgraph", fasthttp.StatusNotFound)
		return
	}
	g := v.(*served)
	conduct := g.conduct.Load()
	if conduct.Delay > 0 {
		time.Sleep(conduct.Delay)
	}
	if conduct.Drop {
		c.HijackSetNoResponse(true)
		c.Hijack(func(k net.Conn) { k.Close() })
		return
	}
	c.SetContentType("application/json")
	if conduct.Status != 0 {
		c.SetStatusCode(conduct.Status)
	}
	if conduct.Body != "" {
		c.SetBodyString(conduct.Body)
		return
	}
	c.SetBody(g.subgraph.Answer(context.Background(), c.PostBody()))
}
