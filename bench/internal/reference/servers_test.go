package reference

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
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

func serve(t *testing.T, k Kind, upstream string) (address string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, l, k, 1024, upstream) }()
	return l.Addr().String(), func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestProxyGivesTheConstantAnswer(t *testing.T) {
	want, err := Answer(1024)
	if err != nil || len(want) != 1024 {
		t.Fatalf("%d bytes, %v", len(want), err)
	}
	upstream, stopUpstream := serve(t, Constant, "")
	proxy, stopProxy := serve(t, Proxy, upstream)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Post("http://"+proxy+"/graphql", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
	if !bytes.Equal(body, want) || resp.Header.Get("Cache-Control") == "" {
		t.Errorf("%v %q", resp.Header, body)
	}
	stopProxy()
	stopUpstream()
	if _, err := Answer(10); err == nil {
		t.Error("an answer of 10 bytes was made")
	}
}
