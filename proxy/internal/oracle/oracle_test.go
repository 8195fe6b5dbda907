package oracle

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// splice copies bytes both ways and passes ends and resets on: the sidecar that understands nothing.
func splice(origin string) (string, func(), error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { join(c.(*net.TCPConn), origin) })
		}
	})
	return l.Addr().String(), func() { l.Close(); all.Wait() }, nil
}

func join(client *net.TCPConn, origin string) {
	defer client.Close()
	up, err := net.Dial("tcp", origin)
	if err != nil {
		return
	}
	defer up.Close()
	var both sync.WaitGroup
	pump := func(to, from *net.TCPConn) {
		if _, err := io.Copy(to, from); errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
			_, _ = to.SetLinger(0), from.SetLinger(0)
			to.Close()
			from.Close()
			return
		}
		_ = to.CloseWrite()
	}
	both.Go(func() { pump(up.(*net.TCPConn), client) })
	both.Go(func() { pump(client, up.(*net.TCPConn)) })
	both.Wait()
}

// naive is the reverse proxy of the standard library.
func naive(origin string) (string, func(), error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	transport := &http.Transport{}
	quiet := log.New(io.Discard, "", 0)
	s := &http.Server{ErrorLog: quiet, Handler: &httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: origin}) },
		ErrorLog: quiet, Transport: transport,
	}}
	var done sync.WaitGroup
	done.Go(func() { _ = s.Serve(l) })
	return l.Addr().String(), func() { s.Close(); transport.CloseIdleConnections(); done.Wait() }, nil
}

func TestScenarios(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range Scenarios() {
		if s.Name == "" || s.Row == "" || seen[s.Name] {
			t.Errorf("%q of row %q: names are needed, and only once", s.Name, s.Row)
		}
		seen[s.Name] = true
	}
}

func TestDirect(t *testing.T) {
	for _, s := range Scenarios() {
		t.Run(s.Name, func(t *testing.T) {
			if s.Refuse == (Refusal{}) {
				Run(t, Direct, s)
				return
			}
			s.Origin = []Step{AwaitEnd()}
			s.Client = append([]Step{s.Client[0], Arrive(), CloseWrite()}, s.Client[1:]...)
			wantDifference(t, Direct, s)
		})
	}
}

func TestSplice(t *testing.T) {
	for _, s := range Scenarios() {
		if s.Refuse == (Refusal{}) {
			t.Run(s.Name, func(t *testing.T) { Run(t, splice, s) })
		}
	}
}

// TestSplits: a splice cannot be told by splits either, in some scenarios of each kind.
func TestSplits(t *testing.T) {
	for _, s := range Scenarios() {
		switch s.Name {
		case firstRow, "pipelining", "chunk extensions", "half-close behind a request", "origin says 100", "WebSocket", "events arrive one by one":
			t.Run(s.Name, func(t *testing.T) { RunSplits(t, splice, s) })
		}
	}
}

// TestDrained: the table is the kernel's.
func TestDrained(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	table := openSocketTable()
	defer table.close()
	local, remote := c.LocalAddr().(*net.TCPAddr), c.RemoteAddr().(*net.TCPAddr)
	for _, want := range []uint32{3, 0} {
		if want > 0 {
			_, err = c.Write([]byte("abc"))
		} else {
			_, err = io.ReadFull(peer, make([]byte, 3))
		}
		if err != nil {
			t.Fatal(err)
		}
		if n, ok := table.unread(remote, local); ok && n != want {
			t.Fatalf("%d unread bytes, want %d", n, want)
		} else if !ok {
			t.Log("this kernel does not tell")
		}
	}
	drained(table, c.(*net.TCPConn))
}

func TestMany(t *testing.T) {
	RunMany(t, splice, 100)
	refuse := func(string) (string, func(), error) { // a sidecar whose origin cannot be reached
		return splice("127.0.0.1:1")
	}
	if err := many(refuse, 3, time.Second); err == nil {
		t.Error("no difference was found")
	}
}

func TestSplitsOfScenario(t *testing.T) {
	n := 0
	for range Splits(Scenario{Client: []Step{Send("abc")}, Origin: []Step{Send("de")}}) {
		n++
	}
	if n != 2+1+1 {
		t.Fatalf("%d splits", n)
	}
}

// naiveFaults are scenarios in which a proxy that takes messages apart and writes them anew is not transparent.
const naiveFaults = `header case and order of a request
header case and order of an answer
blanks around values
hop-by-hop headers
answer without a date
lower-case date
slashes, dots and escapes
fragment
absolute form
options asterisk
empty reason phrase
own reason and status
chunking of an answer is kept
chunking of a request is kept
chunk extensions
trailers of a request that were not announced
gzip, chunked
body that ends with the connection
HTTP/1.0 and a body that ends with the connection
retry: get
retry: post
origin closes an idle connection
half-close within a body
answer cut within a length
answer cut within its head
origin resets within an answer
origin says 100
103 before the answer
100 with headers of its own and an own reason
WebSocket
header case of a WebSocket
connect
events arrive one by one
client resets within an answer
answer before the body is there
ambiguous: obs-fold
ambiguous: leading CRLF
ambiguous: version 1.2
HTTP/2 with prior knowledge
TLS
binary garbage
server speaks first`

// TestNaive shows that the kit can fail.
func TestNaive(t *testing.T) {
	t.Parallel()
	faults := map[string]bool{}
	for name := range strings.Lines(naiveFaults) {
		faults[strings.TrimSuffix(name, "\n")] = true
	}
	for _, s := range Scenarios() {
		if !faults[s.Name] {
			continue
		}
		delete(faults, s.Name)
		t.Run(s.Name, func(t *testing.T) { t.Parallel(); wantDifference(t, naive, s) })
	}
	for name := range faults {
		t.Errorf("no scenario is named %q", name)
	}
}

func wantDifference(t *testing.T, start Dialer, s Scenario) {
	t.Helper()
	differences, err := Differences(start, s, 500*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if len(differences) == 0 {
		t.Fatal("no difference was found")
	}
	t.Log(differences)
}

// TestStuck: a sidecar that holds bytes back is told.
func TestStuck(t *testing.T) {
	hold := func(origin string) (string, func(), error) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", nil, err
		}
		var held []net.Conn
		var done sync.WaitGroup
		done.Go(func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				held = append(held, c)
			}
		})
		return l.Addr().String(), func() {
			l.Close()
			done.Wait()
			for _, c := range held {
				c.Close()
			}
		}, nil
	}
	wantDifference(t, hold, Scenarios()[0])
}

// TestRefusal: an answer is read, not searched.
func TestRefusal(t *testing.T) {
	const head = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 8\r\nWeir-Error: http.bad_framing\r\n\r\n"
	for answer, pass := range map[string]bool{
		head + "HTTP/1.1":        true,
		head + "HTTP/1.1" + head: false,
		head + "HTTP":            false,
		"":                       false,
		strings.Replace(head, "400", "431", 1) + "HTTP/1.1":          false,
		strings.Replace(head, "bad_", "", 1) + "HTTP/1.1":            false,
		strings.Replace(head, "close", "keep-alive", 1) + "HTTP/1.1": false,
	} {
		got := Result{Client: Record{Kept: []byte(answer), End: EOF}}
		if d := judgeRefusal(badFraming, got); (len(d) == 0) != pass {
			t.Errorf("%q: %v", answer, d)
		}
	}
	got := Result{Client: Record{Kept: []byte(head + "HTTP/1.1"), End: EOF}, Origins: []Record{{Total: 1, Kept: []byte("G")}}}
	if len(judgeRefusal(badFraming, got)) != 1 {
		t.Error("the origin must see nothing")
	}
}

// TestStrict: ambiguous scenarios become refusals.
func TestStrict(t *testing.T) {
	n := 0
	for _, s := range Strict(Scenarios()) {
		if s.Ambiguous {
			n++
			if s.Refuse != badFraming || len(s.Client) != 2 {
				t.Errorf("%s: %+v", s.Name, s)
			}
		}
	}
	if n == 0 {
		t.Fatal("none")
	}
}

// TestCutOffIsNoEnd: the reader of a side that is cut off may return before its script is woken; the script still does not hold that for the other side's end.
func TestCutOffIsNoEnd(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	st := newStage()
	st.mu.Lock()
	st.client = st.start(conn, 0)
	st.mu.Unlock()
	st.expire()
	<-st.client.readerDone
	st.client.play(nil)
	if r := st.client.record(); r.Note == "" || r.End != Open {
		t.Errorf("%+v", r)
	}
}

// TestSlow: a play takes longer than its patience, and moves all the time: it is played to its end. One that moves for ever is cut off.
func TestSlow(t *testing.T) {
	const patience = 50 * time.Millisecond
	for _, n := range []int{longest / 3, 10 * longest} {
		drip := func(string) (string, func(), error) { // a byte for each half of the patience
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return "", nil, err
			}
			var done sync.WaitGroup
			done.Go(func() {
				c, err := l.Accept()
				if err != nil {
					return
				}
				defer c.Close()
				for range 2 * n {
					if _, err := c.Write([]byte{'x'}); err != nil {
						return
					}
					time.Sleep(patience / 2)
				}
			})
			return l.Addr().String(), func() { l.Close(); done.Wait() }, nil
		}
		s := Scenario{Client: []Step{AwaitEnd()}, Refuse: badFraming} // nobody waits for an origin
		got, err := once(drip, s, patience)
		if err != nil {
			t.Fatal(err)
		}
		if whole := n < longest; (got.Client.Note == "") != whole || (got.Client.Total == int64(2*n)) != whole {
			t.Errorf("%d bytes of %d, %q", got.Client.Total, 2*n, got.Client.Note)
		}
	}
}
