package proxy

import (
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/weirproxy/weir/proxy/internal/config"
	"github.com/weirproxy/weir/proxy/internal/scope"
)

// TestWhatCannotStartNamesItsCureAndLeavesNothingOpen goes through New and Check with one thing wrong each time.
func TestWhatCannotStartNamesItsCureAndLeavesNothingOpen(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	folder := t.TempDir()
	for _, c := range []struct {
		name    string
		edit    func(*config.File)
		want    []string
		checked bool // also by Check
	}{
		{"a listener is taken", func(f *config.File) { f.Listen = append(f.Listen, taken.Addr().String()) }, []string{taken.Addr().String(), "choose another address"}, false},
		{"the admin listener is taken", func(f *config.File) { f.Admin = taken.Addr().String() }, []string{"admin", "choose another address"}, false},
		{"a socket's path is a folder", func(f *config.File) { f.Listen = config.List{"unix:" + folder} }, []string{folder, "choose another path"}, false},
		{"no price book", func(f *config.File) { f.PriceBook = filepath.Join(folder, "none.yaml") }, []string{"price_book", "none.yaml", "built-in"}, true},
		{"a wrong price book", func(f *config.File) {
			f.PriceBook = write(t, filepath.Join(folder, "book.yaml"), "version: 7\nwrong: 1\n")
		}, []string{"price_book", "book.yaml"}, true},
		{"no schema", func(f *config.File) { f.Schema = filepath.Join(folder, "none.graphql") }, []string{"schema", "none.graphql", "introspected"}, true},
		{"a wrong schema", func(f *config.File) {
			f.Schema = write(t, filepath.Join(folder, "wrong.graphql"), "type Query {\n  a: Missing\n}\n")
		}, []string{"schema", "wrong.graphql:2:", "Missing"}, true},
		{"a service that the control plane cannot name", func(f *config.File) {
			f.Control, f.Identity.Service = "http://127.0.0.1:1", "two\nlines"
		}, []string{"service"}, true},
		{"a key file that is missing", func(f *config.File) {
			f.Policy.Scope.JWT = &scope.JWT{PublicKeyFile: filepath.Join(folder, "none.pem"), Algorithms: []string{"RS256"}, Claim: "sub", Class: "user"}
		}, []string{"policy.scope", "none.pem"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			leaks := goleak.IgnoreCurrent()
			cfg := configuration(t, "http://127.0.0.1:1", func(f *config.File) {
				f.Redis, f.Kafka = config.List{"127.0.0.1:1"}, config.List{"127.0.0.1:1"}
				c.edit(f)
			})
			_, err := New(cfg)
			wants(t, "New", err, c.want)
			if _, err = Check(cfg); c.checked {
				wants(t, "Check", err, c.want)
			} else if err != nil {
				t.Errorf("Check: %v", err)
			}
			goleak.VerifyNone(t, append(library(), leaks)...)
		})
	}
}

func wants(t *testing.T, what string, err error, words []string) {
	t.Helper()
	for _, word := range words {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v, want %q", what, err, word)
		}
	}
}

// TestCheckTakesWhatNewTakes also with everything configured that is not there.
func TestCheckTakesWhatNewTakes(t *testing.T) {
	leaks := goleak.IgnoreCurrent()
	cfg := configuration(t, "http://127.0.0.1:1", func(f *config.File) {
		f.Redis, f.Kafka, f.Control, f.State = config.List{"127.0.0.1:1"}, config.List{"127.0.0.1:1"}, "http://127.0.0.1:1", t.TempDir()
	})
	if _, err := Check(cfg); err != nil {
		t.Error(err)
	}
	r := start(t, cfg)
	if a, _ := do(t, r.admin, http.MethodGet, "/readyz", ""); a.StatusCode != http.StatusOK {
		t.Errorf("not ready: %d", a.StatusCode)
	}
	if a, _ := r.query("Nobody"); a.StatusCode != http.StatusBadGateway || a.Header.Get("Weir-Error") != "upstream.connect" {
		t.Errorf("%d %v", a.StatusCode, a.Header)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	goleak.VerifyNone(t, append(library(), leaks)...)
}

// TestEndOfRunGivesAddressesBack starts a second sidecar on the addresses of the first.
func TestEndOfRunGivesAddressesBack(t *testing.T) {
	o := newOrigin(t)
	socket := "unix:" + filepath.Join(t.TempDir(), "weir.sock")
	first := start(t, configuration(t, o.URL, func(f *config.File) { f.Listen = append(f.Listen, socket) }))
	first.hit("A")
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	second := start(t, configuration(t, o.URL, func(f *config.File) { f.Listen, f.Admin = config.List{first.address, socket}, first.admin }))
	second.hit("A")
	if a, body := do(t, socket, http.MethodPost, "/graphql", `{"query":"query A { book(id: \"1\") { id title } }"}`); a.StatusCode != http.StatusOK ||
		!strings.Contains(a.Header.Get("Cache-Status"), "; hit") {
		t.Errorf("over the socket: %d %v %s", a.StatusCode, a.Header, body)
	}
}

// TestUpstreams reaches a service over TLS and over a Unix socket, requests and introspection both.
func TestUpstreams(t *testing.T) {
	schema := introspection("book", "now")
	t.Run("https", func(t *testing.T) {
		o := &origin{}
		o.introspection.Store(&response{http.StatusOK, schema})
		o.Server = httptest.NewUnstartedServer(o)
		o.Config.ErrorLog = log.New(io.Discard, "", 0)
		o.StartTLS()
		t.Cleanup(o.Close)
		trusting := func(s *Sidecar) {
			s.upstream.tls.RootCAs = x509.NewCertPool()
			s.upstream.tls.RootCAs.AddCert(o.Certificate())
		}
		reaches(t, start(t, configuration(t, o.URL, introspected), trusting))
		if a, _ := start(t, configuration(t, o.URL, nil)).query("Untrusted"); a.StatusCode != http.StatusBadGateway {
			t.Errorf("a certificate that nobody vouches for: %d", a.StatusCode)
		}
	})
	t.Run("unix", func(t *testing.T) {
		o := &origin{}
		o.introspection.Store(&response{http.StatusOK, schema})
		path := filepath.Join(t.TempDir(), "origin.sock")
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		o.Server = &httptest.Server{Listener: l, Config: &http.Server{Handler: o}}
		o.Start()
		t.Cleanup(o.Close)
		reaches(t, start(t, configuration(t, "unix:"+path, introspected)))
	})
}

func reaches(t *testing.T, r *rig) {
	t.Helper()
	if a, body := r.query("Book"); a.StatusCode != http.StatusOK || !strings.Contains(body, "Weirs") {
		t.Errorf("%d %s", a.StatusCode, body)
	}
	eventually(t, "introspection", func() bool { return r.policies.load().Plans.Schema() != nil })
}

// TestExposedOnHitsAndRelayedAnswers looks for cost and score in the headers.
func TestExposedOnHitsAndRelayedAnswers(t *testing.T) {
	o := newOrigin(t)
	for _, expose := range []bool{true, false} {
		r := start(t, configuration(t, o.URL, func(f *config.File) { f.Policy.Expose = expose }))
		for _, want := range []string{"fwd=miss", "; hit"} {
			a, _ := r.query("Exposed")
			if !strings.Contains(a.Header.Get("Cache-Status"), want) {
				t.Errorf("Cache-Status %q, want %s", a.Header.Get("Cache-Status"), want)
			}
			cost, score := a.Header.Get("Weir-Cost"), a.Header.Get("Weir-Anomaly")
			if (cost != "") != expose || (score != "") != expose {
				t.Errorf("expose %v, %s: cost %q, score %q", expose, want, cost, score)
			}
		}
	}
}

// TestLeastSidecar has no admin listener, no cache and no schema, and relays.
func TestLeastSidecar(t *testing.T) {
	r := start(t, configuration(t, newOrigin(t).URL, func(f *config.File) {
		f.Admin, f.Cache, f.Schema, f.Introspection, f.Identity.Instance = "", "off", "", "0", ""
	}))
	if r.admin != "" {
		t.Errorf("an admin listener at %s", r.admin)
	}
	for range 2 {
		if a, body := r.query("Least"); a.StatusCode != http.StatusOK || !strings.Contains(body, "Weirs") || a.Header.Get("Cache-Status") != "" {
			t.Errorf("%d %v %s", a.StatusCode, a.Header, body)
		}
	}
}

// TestStateThatCannotBeKept is told once, and a metric says it; requests go on.
func TestStateThatCannotBeKept(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "file"), "no folder")
	r := start(t, configuration(t, newOrigin(t).URL, func(f *config.File) { f.Control, f.State = "http://127.0.0.1:1", file }))
	eventually(t, "the metric", func() bool { return r.metric("weir_state_failing") == 1 })
	if n := r.log.count("state is not kept on disk"); n != 1 {
		t.Errorf("%d log lines, want 1", n)
	}
	r.hit("Stateless")
	if v := r.metric("weir_control_connected"); v != 0 {
		t.Errorf("connected: %v", v)
	}
}
