package origin

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// ask sends one request on a connection of its own and reads to the end.
func ask(t *testing.T, s *Server) (string, error) {
	t.Helper()
	network := "tcp"
	if strings.HasPrefix(s.URL(), "unix:") {
		network = "unix"
	}
	c, err := net.Dial(network, s.Address())
	if err != nil {
		return "", err
	}
	defer c.Close()
	head := "POST /graphql HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: "
	if _, err := io.WriteString(c, head+strconv.Itoa(len(cityQuery))+"\r\n\r\n"+cityQuery); err != nil {
		return "", err
	}
	raw, err := io.ReadAll(c)
	return string(raw), err
}

func TestRefuseClosesTheListenerAndResetsItsConnections(t *testing.T) {
	s := started(t, Spec{})
	idle, err := net.Dial("tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	if _, err := io.WriteString(idle, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if n, err := idle.Read(make([]byte, 1000)); err != nil || n == 0 {
		t.Fatal(err)
	}
	if err := s.SetFaults(Faults{Rules: []string{"0s..150ms:refuse"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(idle); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a connection that was open: %v", err)
	}
	if _, err := ask(t, s); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a new connection: %v", err)
	}
	for {
		answer, err := ask(t, s)
		if err == nil && strings.Contains(answer, "Shanghai") {
			break
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("%q %v", answer, err)
		}
	}
	if n := s.Truth().Faults["refuse"]; n != 1 {
		t.Errorf("%d times", n)
	}
	// A change of faults ends it at once; a stop while it is shut is no error.
	if err := s.SetFaults(Faults{Rules: []string{"0s..1h:refuse"}}); err != nil {
		t.Fatal(err)
	}
	for err = error(nil); !errors.Is(err, syscall.ECONNREFUSED); {
		_, err = ask(t, s)
	}
	if err := s.SetFaults(Faults{}); err != nil {
		t.Fatal(err)
	}
	for answer := ""; !strings.Contains(answer, "Shanghai"); {
		answer, _ = ask(t, s)
	}
	if err := s.SetFaults(Faults{Rules: []string{"0s..1h:refuse"}}); err != nil {
		t.Fatal(err)
	}
	for err = error(nil); !errors.Is(err, syscall.ECONNREFUSED); {
		_, err = ask(t, s)
	}
}

// TestTheRequestThatShutsTheDoorIsAnswered asks for a refusal that begins at once, again and again.
func TestTheRequestThatShutsTheDoorIsAnswered(t *testing.T) {
	s := started(t, Spec{})
	client := http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for range 20 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.URL()+"/_origin/faults", strings.NewReader(`{"rules":["0s..5ms:refuse"]}`))
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(r)
		for errors.Is(err, syscall.ECONNREFUSED) { // the one before is not over
			r.Body = io.NopCloser(strings.NewReader(`{"rules":["0s..5ms:refuse"]}`))
			res, err = client.Do(r)
		}
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(raw), "refuse") {
			t.Errorf("%d %s %v", res.StatusCode, raw, err)
		}
	}
}

func TestFaultsOverTheWireOfTheServer(t *testing.T) {
	s := started(t, Spec{})
	for rule, want := range map[string]struct {
		has, hasNot string
		reset       bool
	}{
		"reset=mid-body#City":   {`{"data":{"city":`, "24874500", true},
		"reset":                 {"", "HTTP", true},
		"short-body@1":          {`{"data":{"city":`, "24874500", false},
		"http10":                {"HTTP/1.0 200 OK\r\n", "chunked", false},
		"close-delimited":       {"24874500", "Content-Length", false},
		"chunked=10":            {"\r\n\r\na\r\n{\"data\":{", "Content-Length", false},
		"html#query.city":       {"<!DOCTYPE html>", "data", false},
		"reset#query.country":   {"24874500", "injected", false},
		"status=503#query":      {"HTTP/1.1 503 Service Unavailable", "Shanghai", false},
		"content-type=text/xml": {"Content-Type: text/xml\r\n", "Content-Type: application/json", false},
	} {
		s.truth.reset()
		if err := s.SetFaults(Faults{Rules: []string{rule}}); err != nil {
			t.Fatal(err)
		}
		got, err := ask(t, s)
		if !strings.Contains(got, want.has) || strings.Contains(got, want.hasNot) || errors.Is(err, syscall.ECONNRESET) != want.reset {
			t.Errorf("%s: %q %v", rule, got, err)
		}
		kind, _, _ := strings.Cut(rule, "#")
		executed := int64(1)
		if kind == "reset" && rule == "reset" || strings.HasPrefix(kind, "html") || strings.HasPrefix(kind, "status") {
			executed = 0
		}
		if n := s.Counts()["query.city"]; n != executed {
			t.Errorf("%s: executed %d times", rule, n)
		}
	}
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "origin.sock")
	s := started(t, Spec{Listen: "unix:" + path})
	if s.URL() != "unix:"+path || s.Address() != path {
		t.Errorf("%s %s", s.URL(), s.Address())
	}
	if answer, err := ask(t, s); err != nil || !strings.Contains(answer, "Shanghai") {
		t.Errorf("%q %v", answer, err)
	}
	if err := built(t, Spec{Listen: "unix:" + path}).Start(); err == nil || !strings.Contains(err.Error(), "choose another path") {
		t.Errorf("a second server: %v", err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left: %v", err)
	}
	// What a killed process leaves is taken over; a file that is none of ours is not.
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	if answer, err := ask(t, s); err != nil || !strings.Contains(answer, "Shanghai") {
		t.Errorf("%q %v", answer, err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err == nil {
		t.Error("a file was taken for a socket")
	}
}

// TestDrainAnswersWhatIsUnderWay begins a request, drains, and ends the request when nobody else is let in any more.
func TestDrainAnswersWhatIsUnderWay(t *testing.T) {
	s := started(t, Spec{})
	c, err := net.Dial("tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "POST /graphql HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: "+strconv.Itoa(len(cityQuery))+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n"))); err != nil { // it is in the handler's hands
		t.Fatal(err)
	}
	drained := make(chan error, 1)
	go func() { drained <- s.Drain(t.Context()) }()
	for err = error(nil); !errors.Is(err, syscall.ECONNREFUSED); {
		_, err = ask(t, s)
	}
	if _, err := io.WriteString(c, cityQuery); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(c); err != nil || !strings.Contains(string(answer), "Shanghai") {
		t.Errorf("%q %v", answer, err)
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
}
