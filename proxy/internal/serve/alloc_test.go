package serve

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"runtime"
	"strconv"
	"testing"
	"time"
)

const (
	relayedBody = `{"data":{"now":"12:00"}}`
	bookBody    = `{"data":{"book":{"__typename":"Book","id":"1","title":"a"}}}`
	plainGet    = "GET /plain HTTP/1.1\r\nHost: x\r\nUser-Agent: test\r\n\r\n"
	nowQuery    = `{ now }`
)

// message is an answer of an origin.
func message(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// startRawOrigin answers every request with the same bytes and allocates nothing for it. A request ends with the given bytes.
func startRawOrigin(t testing.TB, end, answer string) string {
	t.Helper()
	return startRaw(t, func(c net.Conn) { echo(c, []byte(end), []byte(answer)) })
}

func echo(c net.Conn, end, answer []byte) {
	b := make([]byte, 64<<10)
	n := 0
	for {
		m, err := c.Read(b[n:])
		if err != nil {
			return
		}
		if n += m; !bytes.HasSuffix(b[:n], end) {
			continue
		}
		n = 0
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}

// rawClient sends the same bytes again and again on one connection and allocates nothing for it.
type rawClient struct {
	c            net.Conn
	request, end []byte
	b            [16 << 10]byte
	n            int
}

func (r *rig) rawClient(request, end string) *rawClient {
	k := r.dial()
	_ = k.c.SetDeadline(time.Now().Add(time.Minute))
	return &rawClient{c: k.c, request: []byte(request), end: []byte(end)}
}

// once sends the request and reads the answer, which ends with a body that is known.
func (k *rawClient) once() error {
	if _, err := k.c.Write(k.request); err != nil {
		return err
	}
	for k.n = 0; k.n < len(k.b); {
		m, err := k.c.Read(k.b[k.n:])
		if err != nil {
			return err
		}
		if k.n += m; bytes.HasSuffix(k.b[:k.n], k.end) {
			return nil
		}
	}
	return io.ErrShortBuffer
}

// hot are the requests that must not cost an allocation once a connection is warm.
var hot = []struct {
	name, request, end, body string
	hit                      bool
}{
	{"hit", post(bookQuery), "}", bookBody, true},
	{"relay of what is no GraphQL", plainGet, "\r\n\r\n", relayedBody, false},
	{"relay of a query that is not cacheable", post(nowQuery), "}", relayedBody, false},
}

func TestHotRequestsAllocateNothing(t *testing.T) {
	for _, h := range hot {
		t.Run(h.name, func(t *testing.T) {
			r := newRig(t)
			r.policy.Deadlines.Idle, r.policy.Deadlines.Write = time.Minute, time.Minute
			r.start(startRawOrigin(t, h.end, message(h.body)))
			k := r.rawClient(h.request, h.body)
			once := func() {
				if err := k.once(); err != nil {
					t.Fatal(err)
				}
			}
			for range 500 {
				once()
			}
			before := r.server.Stats()
			if n := testing.AllocsPerRun(2000, once); n > spare {
				t.Errorf("%v allocations per request", n)
			}
			after := r.server.Stats()
			if hits := after.Hits - before.Hits; h.hit != (hits == 2001) || h.hit != (after.Relayed == before.Relayed) {
				t.Errorf("%d hits, %d relayed", hits, after.Relayed-before.Relayed)
			}
		})
	}
}

// TestMissesAllocateNothing: every key is new, and once the tier is full an answer takes the memory of one that is turned away or pushed out.
func TestMissesAllocateNothing(t *testing.T) {
	r := newRig(t)
	r.policy.Deadlines.Idle, r.policy.Deadlines.Write = time.Minute, time.Minute
	r.memory = 1 << 20
	r.start(startRawOrigin(t, "}", message(bookBody)))
	const body = `{"query":"query B($id: ID!) { book(id: $id) { id title } }","variables":{"id":"100000"}}`
	k := r.rawClient(fmt.Sprintf("POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body), bookBody)
	digits := k.request[len(k.request)-9 : len(k.request)-3]
	id := int64(100_000)
	once := func() {
		id++
		strconv.AppendInt(digits[:0], id, 10)
		if err := k.once(); err != nil {
			t.Fatal(err)
		}
	}
	for range 10_000 {
		once()
	}
	before := r.store.Stats()
	if before.Evicted == 0 {
		t.Fatal("the tier is not full")
	}
	if n := testing.AllocsPerRun(5000, once); n > 2*spare { // a miss is two exchanges
		t.Errorf("%v allocations per miss", n)
	}
	if after := r.store.Stats(); after.Stored-before.Stored != 5001 || r.server.Stats().Hits != 0 {
		t.Errorf("%d stored, %d hits", after.Stored-before.Stored, r.server.Stats().Hits)
	}
}

func benchmarkHot(b *testing.B, i int) {
	h := hot[i]
	r := newRig(b)
	r.start(startRawOrigin(b, h.end, message(h.body)))
	k := r.rawClient(h.request, h.body)
	for range 100 {
		if err := k.once(); err != nil {
			b.Fatal(err)
		}
	}
	runtime.GC()
	b.ReportAllocs()
	for b.Loop() {
		if err := k.once(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHit, BenchmarkRelay and BenchmarkRelayQuery are whole round trips over loopback sockets, client and origin included.
func BenchmarkHit(b *testing.B)        { benchmarkHot(b, 0) }
func BenchmarkRelay(b *testing.B)      { benchmarkHot(b, 1) }
func BenchmarkRelayQuery(b *testing.B) { benchmarkHot(b, 2) }
