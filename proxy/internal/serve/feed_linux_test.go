package serve

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// startUnix starts the sidecar on a Unix socket before an origin that answers every query for a book.
func startUnix(t *testing.T) *rig {
	r := newRig(t)
	r.at = "unix:" + filepath.Join(t.TempDir(), "weir.sock")
	r.start(startRawOrigin(t, "}", message(bookBody)))
	return r
}

func (r *rig) dialUnix() *net.UnixConn {
	r.t.Helper()
	c, err := net.Dial("unix", strings.TrimPrefix(r.address, "unix:"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c.(*net.UnixConn)
}

func TestHitsOverUnixSocketsAllocateNothing(t *testing.T) {
	r := startUnix(t)
	k := &rawClient{c: r.dialUnix(), request: []byte(post(bookQuery)), end: []byte(bookBody)}
	once := func() {
		if err := k.once(); err != nil {
			t.Fatal(err)
		}
	}
	for range 500 {
		once()
	}
	before := r.server.Stats().Hits
	if n := testing.AllocsPerRun(2000, once); n > spare {
		t.Errorf("%v allocations per request", n)
	}
	if hits := r.server.Stats().Hits - before; hits != 2001 {
		t.Errorf("%d hits", hits)
	}
}

// The end of the client's bytes often comes together with its last request, and there is no other event for it.
func TestTheEndBehindARequestOverAUnixSocketIsSeen(t *testing.T) {
	const clients = 100
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // so that most often nobody reads between what is sent and its end
	r := startUnix(t)
	warm := &rawClient{c: r.dialUnix(), request: []byte(post(bookQuery)), end: []byte(bookBody)}
	var open []*net.UnixConn
	if err := warm.once(); err != nil {
		t.Fatal(err)
	}
	for range clients {
		k := &rawClient{c: r.dialUnix(), request: warm.request, end: warm.end}
		if err := k.once(); err != nil { // the feed reads from now on
			t.Fatal(err)
		}
		open = append(open, k.c.(*net.UnixConn))
	}
	for _, c := range open {
		_, _ = c.Write(warm.request)
		_ = c.CloseWrite()
	}
	for i, c := range open {
		all, err := io.ReadAll(c)
		if err != nil || strings.Count(string(all), bookBody) != 1 {
			t.Fatalf("client %d of %d: %v, %q", i, clients, err, all)
		}
	}
}

// While an answer is made nothing happens on the client's connection: its end, which came with the request, is looked for.
func TestTheEndBehindARequestOverAUnixSocketGoesToTheOrigin(t *testing.T) {
	const clients = 20
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	ends := make(chan error, clients)
	r := newRig(t)
	r.at = "unix:" + filepath.Join(t.TempDir(), "weir.sock")
	r.start(startRaw(t, func(c net.Conn) {
		all, err := io.ReadAll(c) // two requests, and no answer
		if string(all) != plainGet+plainGet {
			err = errors.Join(err, fmt.Errorf("the origin got %q", all))
		}
		ends <- err
	}))
	for range clients {
		c := r.dialUnix()
		if _, err := io.WriteString(c, plainGet); err != nil {
			t.Fatal(err)
		}
		waitFor(t, func() bool { return r.server.Stats().Relayed%2 == 1 })
		_, _ = io.WriteString(c, plainGet)
		_ = c.CloseWrite()
		waitFor(t, func() bool { return r.server.Stats().Relayed%2 == 0 })
	}
	for range clients {
		select {
		case err := <-ends:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("the origin does not see the client's end")
		}
	}
}

// The kernel ends a read behind bytes that a file descriptor came with.
func TestWhatIsBehindAFileDescriptorIsRead(t *testing.T) {
	r := startUnix(t)
	c := r.dialUnix()
	k := &rawClient{c: c, request: []byte(post(bookQuery)), end: []byte(bookBody)}
	if err := k.once(); err != nil {
		t.Fatal(err)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	answers := bufio.NewReader(c)
	for range 20 {
		_, _, err := c.WriteMsgUnix(k.request, unix.UnixRights(int(f.Fd())), nil)
		_, again := c.Write(k.request)
		if err := errors.Join(err, again); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			a, err := http.ReadResponse(answers, nil)
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(a.Body); err != nil || string(body) != bookBody {
				t.Fatalf("%v, %q", err, body)
			}
		}
	}
}
