package subgraphs_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/bench/internal/subgraphs"
)

const (
	question = `{"query":"{one}"}`
	answer   = `{"data":{"one":1}}`
)

// serve serves one subgraph, as "a/b".
func serve(t *testing.T) (s *subgraphs.Server, g *subgraphs.Subgraph, url string, client *http.Client) {
	t.Helper()
	s, err := subgraphs.Serve()
	if err != nil {
		t.Fatal(err)
	}
	row := &subgraphs.Row{Type: "Query", Fields: map[string]any{"one": int64(1)}}
	g, err = subgraphs.New(subgraphs.Config{Name: "b", SDL: "type Query { one: Int }", Data: &subgraphs.Data{Rows: map[string][]*subgraphs.Row{"Query": {row}}}})
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, g, s.Put("a/b", g), &http.Client{Transport: transport}
}

func ask(c *http.Client, url string) (status int, body string, err error) {
	a, err := c.Post(url, "application/json", strings.NewReader(question))
	if err != nil {
		return 0, "", err
	}
	defer a.Body.Close()
	raw, err := io.ReadAll(a.Body)
	return a.StatusCode, string(raw), err
}

// A subgraph behaves as it was last told, and well again by the zero Conduct.
func TestBehave(t *testing.T) {
	s, _, url, client := serve(t)
	for _, c := range []struct {
		name    string
		conduct subgraphs.Conduct
		status  int
		body    string
	}{
		{"well", subgraphs.Conduct{}, http.StatusOK, answer},
		{"a status beside the answer", subgraphs.Conduct{Status: http.StatusBadGateway}, http.StatusBadGateway, answer},
		{"something else in place of it", subgraphs.Conduct{Body: "<html>"}, http.StatusOK, "<html>"},
		{"both", subgraphs.Conduct{Status: http.StatusServiceUnavailable, Body: "later"}, http.StatusServiceUnavailable, "later"},
		{"well again", subgraphs.Conduct{}, http.StatusOK, answer},
	} {
		s.Behave("a/b", c.conduct)
		if status, body, err := ask(client, url); err != nil || status != c.status || body != c.body {
			t.Errorf("%s: %d %q, %v; want %d %q", c.name, status, body, err, c.status, c.body)
		}
	}
}

// A connection is dropped without a byte of an answer, and the next one is answered.
func TestBehaveDrop(t *testing.T) {
	s, _, url, client := serve(t)
	s.Behave("a/b", subgraphs.Conduct{Drop: true, Status: http.StatusOK, Body: answer})
	if status, body, err := ask(client, url); err == nil {
		t.Errorf("answered %d %q", status, body)
	}
	s.Behave("a/b", subgraphs.Conduct{})
	if _, body, err := ask(client, url); err != nil || body != answer {
		t.Errorf("after the drop: %q, %v", body, err)
	}
}

// An answer waits as long as it is told to.
func TestBehaveDelay(t *testing.T) {
	const delay = 50 * time.Millisecond
	s, _, url, client := serve(t)
	s.Behave("a/b", subgraphs.Conduct{Delay: delay})
	began := time.Now()
	if _, body, err := ask(client, url); err != nil || body != answer {
		t.Errorf("%q, %v", body, err)
	}
	if took := time.Since(began); took < delay {
		t.Errorf("answered after %v", took)
	}
}

// Who is not there gets no conduct, answers nothing, and is counted all the same; who is put anew begins well-behaved.
func TestPut(t *testing.T) {
	s, g, url, client := serve(t)
	s.Behave("b", subgraphs.Conduct{Drop: true}) // by its path, not by its last part
	if _, body, err := ask(client, url); err != nil || body != answer {
		t.Errorf("%q, %v", body, err)
	}
	s.Put("a/b", nil)
	s.Behave("a/b", subgraphs.Conduct{Drop: true})
	if status, _, err := ask(client, url); err != nil || status != http.StatusNotFound {
		t.Errorf("taken away: %d, %v", status, err)
	}
	s.Put("a/b", g)
	s.Behave("a/b", subgraphs.Conduct{Drop: true})
	s.Put("a/b", g)
	if _, body, err := ask(client, url); err != nil || body != answer {
		t.Errorf("put anew: %q, %v", body, err)
	}
	if n := s.Asked(); n != 3 {
		t.Errorf("asked %d times", n)
	}
}
