package proxy

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
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
