package proxy

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/weirproxy/weir/proxy/internal/config"
)

// clientTLS returns how connections are encrypted, nil when they are not. The own certificate is read with each connection, so that a
// renewed one needs no restart. key is the configuration's, for errors.
func clientTLS(key string, t *config.TLS) (*tls.Config, error) {
	if t == nil {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CA != "" {
		var err error
		if c.RootCAs, err = authorities(key+".ca", t.CA); err != nil {
			return nil, err
		}
	}
	if t.Cert != "" {
		read := func() (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
			if err != nil {
				return nil, fmt.Errorf("%s: %w; cert and key must be PEM files that belong together and that this user may read", key, err)
			}
			return &pair, nil
		}
		if _, err := read(); err != nil {
			return nil, err
		}
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return read() }
	}
	return c, nil
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
