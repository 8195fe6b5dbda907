package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// listener answers as an admin listener does, and remembers what it was asked.
func listener(t *testing.T, status int, answer string) (address string, asked func() string) {
	t.Helper()
	var last atomic.Value
	last.Store("")
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		last.Store(r.Method + " " + r.RequestURI + " " + string(body))
		w.WriteHeader(status)
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String(), func() string { return last.Load().(string) }
}

func TestInvalidate(t *testing.T) {
	const done = `{"obeyed":true,"logged":true,"shared":true,"position":"7-1","time":"1970-01-01T00:00:00.007Z",
		"reached":{"entries":3,"tags":{"City:5":2,"City:?":1},"patterns":{"C*y:7":0}}}`
	address, asked := listener(t, 200, done)
	r := call(t, t.TempDir(), "", "invalidate", "--admin", address, "--tag", "City:5", "--tag", "a,b", "--type", "City", "--pattern", "C*y:7",
		"--operation", "Front", "--tenant", "acme", "--prefix", "Query.", "--soft", "--wait", "fleet")
	want := `POST /cache/invalidate?wait=fleet {"tags":["City:5","a,b"],"types":["City"],"prefixes":["Query."],"patterns":["C*y:7"],` +
		`"operations":["Front"],"tenants":["acme"],"soft":true}`
	if asked() != want {
		t.Errorf("asked %s\nwant  %s", asked(), want)
	}
	for _, line := range []string{"fleet's log at 7-1 1970", "entries of this sidecar: 3", "City:?", "pattern"} {
		if r.code != 0 || !strings.Contains(r.out, line) {
			t.Errorf("%d, no %q in:\n%s%s", r.code, line, r.out, r.err)
		}
	}
	if r := call(t, t.TempDir(), "", "invalidate", "--admin", address, "--all", "--json"); r.code != 0 || !strings.Contains(r.out, `"position":"7-1"`) ||
		!strings.HasSuffix(asked(), `{"all":true}`) {
		t.Errorf("%d %s %s", r.code, r.out, asked())
	}
}

func TestInvalidateThatFails(t *testing.T) {
	refusing, _ := listener(t, 400, `{"code":"admin.bad_request","message":"\"Town\" is no object type"}`)
	waiting, _ := listener(t, 503, `{"obeyed":true,"logged":false,"shared":true,"message":"the log cannot be reached"}`)
	missing, missed := listener(t, 504, `{"obeyed":true,"logged":true,"shared":true,"position":"7-1","fleet":{"members":2,"obey":1,"waited_ms":3000,
		"message":"whoever is missing obeys later","missing":[{"instance":"pod-7","position":"6-0","last_seen_ms_ago":1500,"safe_in_ms":8500}]}}`)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{2, "nothing is named", nil},
		{2, "leave the other names out", []string{"--all", "--tag", "a"}},
		{2, "--wait", []string{"--tag", "a", "--wait", "all"}},
		{2, "--wait fleet", []string{"--tag", "a", "--deadline", "1s"}},
		{1, "whoever is missing", []string{"--admin", missing, "--tag", "a", "--wait", "fleet", "--deadline", "3s"}},
		{2, "unknown flag", []string{"--everything"}},
		{1, "no object type", []string{"--admin", refusing, "--type", "Town"}},
		{1, "the log cannot be reached", []string{"--admin", waiting, "--tag", "a"}},
		{1, "does not answer", []string{"--admin", closed.Addr().String(), "--tag", "a"}},
		{1, "does not answer", []string{"--admin", "unix:" + filepath.Join(t.TempDir(), "none.sock"), "--tag", "a"}},
	} {
		if r := call(t, t.TempDir(), "", append([]string{"invalidate"}, c.args...)...); r.code != c.code || !strings.Contains(r.err, c.want) {
			t.Errorf("%v: %d %s", c.args, r.code, r.err)
		}
	}
	if !strings.HasPrefix(missed(), "POST /cache/invalidate?wait=fleet&deadline=3s ") {
		t.Errorf("asked %s", missed())
	}
	if r := call(t, t.TempDir(), "", "invalidate", "--admin", missing, "--tag", "a", "--wait", "fleet"); !strings.Contains(r.out, "obey: 1 of 2") ||
		!strings.Contains(r.out, "pod-7") || !strings.Contains(r.out, "8500 ms") {
		t.Errorf("%s", r.out)
	}
	if r := call(t, t.TempDir(), "", "invalidate", "--help"); r.code != 0 || !strings.Contains(r.out, "Exit codes") || !strings.Contains(r.out, "--wait fleet") {
		t.Errorf("%d %s", r.code, r.out)
	}
}
