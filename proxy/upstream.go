package proxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/weirproxy/weir/proxy/internal/config"
)

// upstream dials the service behind.
type upstream struct {
	cfg    config.Upstream
	dialer net.Dialer
	tls    *tls.Config // nil: plain
	client *http.Client
}

func newUpstream(cfg config.Upstream) (*upstream, error) {
	u := &upstream{cfg: cfg, dialer: net.Dialer{KeepAlive: 15 * time.Second}}
	if cfg.TLS {
		host, _, err := net.SplitHostPort(cfg.Address)
		if err != nil {
			host = cfg.Address
		}
		if cfg.Name != "" {
			host = cfg.Name
		}
		u.tls = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
		if cfg.CA != "" {
			if u.tls.RootCAs, err = authorities("upstream_ca", cfg.CA); err != nil {
				return nil, err
			}
		}
	}
	u.client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return u.dial(ctx, cfg.Address) },
		DisableKeepAlives: true,
	}}
	return u, nil
}

// authorities reads the certificates of a PEM file that a key of the configuration names.
func authorities(key, file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; name a PEM file that this user may read", key, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s: %s holds no certificate; write the authority's in PEM", key, file)
	}
	return pool, nil
}

// dial connects to an address as a listener gives it.
func (u *upstream) dial(ctx context.Context, address string) (net.Conn, error) {
	network := "tcp"
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		network, address = "unix", path
	}
	c, err := u.dialer.DialContext(ctx, network, address)
	if err != nil || u.tls == nil {
		return c, err
	}
	secure := tls.Client(c, u.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return secure, nil
}
