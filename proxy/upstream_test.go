package proxy

import (
	"encoding/pem"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirproxy/weir/proxy/internal/config"
)

func TestUpstreamOfAPrivateAuthority(t *testing.T) {
	secure := httptest.NewTLSServer(&origin{}) // its certificate is for example.com and 127.0.0.1
	t.Cleanup(secure.Close)
	folder := t.TempDir()
	ca := write(t, filepath.Join(folder, "ca.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})))
	for name, c := range map[string]struct {
		ca, server string
		want       string // of the error; empty: none
	}{
		"trusted":               {ca, "", ""},
		"trusted, another name": {ca, "example.com", ""},
		"not trusted":           {"", "", "unknown authority"},
		"a wrong name":          {ca, "weir.example", "weir.example"},
	} {
		u, err := newUpstream(config.Upstream{Address: secure.Listener.Addr().String(), TLS: true, CA: c.ca, Name: c.server})
		if err != nil {
			t.Fatal(err)
		}
		conn, err := u.dial(t.Context(), u.cfg.Address)
		if conn != nil {
			conn.Close()
		}
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := start(t, configuration(t, secure.URL, func(f *config.File) { f.UpstreamCA = ca }))
	if head, body := r.query("Secure"); head.StatusCode != 200 || !strings.Contains(body, "Weirs") {
		t.Errorf("%d %s", head.StatusCode, body)
	}
}

func TestAuthoritiesThatCannotBeRead(t *testing.T) {
	folder := t.TempDir()
	for want, file := range map[string]string{
		"none.pem": filepath.Join(folder, "none.pem"), "holds no certificate": write(t, filepath.Join(folder, "bad.pem"), "x"),
	} {
		cfg := configuration(t, "https://127.0.0.1:1", func(f *config.File) { f.UpstreamCA = file })
		if _, err := Check(cfg); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "upstream_ca") {
			t.Errorf("%s: %v", file, err)
		}
	}
}
