package reference

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// fasthttp's own housekeeping lives as long as the process, or sleeps for some seconds after a shutdown.
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*TCPDialer).tcpAddrsClean"))
}

func serve(t *testing.T, cfg Config) (address string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- cfg.Serve(ctx, l) }()
	return l.Addr().String(), func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// post sends one GraphQL request and returns the answer.
func post(t *testing.T, address, body string) (http.Header, []byte) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Post("http://"+address+"/graphql", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
	return resp.Header, raw
}

func TestProxiesGiveTheConstantAnswer(t *testing.T) {
	want, err := Answer(1024)
	if err != nil || len(want) != 1024 {
		t.Fatalf("%d bytes, %v", len(want), err)
	}
	upstream, stopUpstream := serve(t, Config{Kind: Constant, Size: 1024})
	defer stopUpstream()
	for _, kind := range []Kind{Proxy, Relay} {
		t.Run(string(kind), func(t *testing.T) {
			proxy, stopProxy := serve(t, Config{Kind: kind, Upstream: upstream})
			defer stopProxy()
			header, body := post(t, proxy, "{}")
			if !bytes.Equal(body, want) || header.Get("Cache-Control") == "" {
				t.Errorf("%v %q", header, body)
			}
		})
	}
	if _, err := Answer(10); err == nil {
		t.Error("an answer of 10 bytes was made")
	}
}

// A relay that is stopped ends connections that are still open.
func TestRelayEndsOpenConnections(t *testing.T) {
	upstream, stopUpstream := serve(t, Config{Kind: Constant, Size: 1024})
	defer stopUpstream()
	address, stop := serve(t, Config{Kind: Relay, Upstream: upstream})
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 1024)); err != nil {
		t.Fatal(err)
	}
	stop()
	if _, err := io.Copy(io.Discard, conn); err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Error(err)
	}
}

func TestRelayWithoutAnUpstreamClosesTheConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	address, stop := serve(t, Config{Kind: Relay, Upstream: nobody})
	defer stop()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func TestUpstreamCounts(t *testing.T) {
	address, stop := serve(t, Config{Kind: Upstream, Size: 1024})
	defer stop()
	for range 2 {
		if _, body := post(t, address, `{"query":"{city{name}}"}`); len(body) != 1024 {
			t.Errorf("%d bytes", len(body))
		}
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get("http://" + address + CounterPath)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "2" {
		t.Errorf("%q %v", body, err)
	}
}

func TestUnknownKindIsNamed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := (Config{Kind: "consta"}).Serve(t.Context(), l); err == nil || !strings.Contains(err.Error(), `"consta"`) {
		t.Error(err)
	}
}
