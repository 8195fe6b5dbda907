package redistest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Authority is a certificate authority of one test, its files, and certificates it has signed.
type Authority struct {
	CA                    string // file
	ServerCert, ServerKey string // for the name redis.test and 127.0.0.1
	ClientCert, ClientKey string
	Pool                  *x509.CertPool
	t                     testing.TB
	dir                   string
	cert                  *x509.Certificate
	key                   *ecdsa.PrivateKey
}

// NewAuthority makes an authority and writes its files.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{t: t, dir: t.TempDir(), Pool: x509.NewCertPool()}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "cache tests"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert = root
	a.CA, _ = a.sign("ca", root)
	text, err := os.ReadFile(a.CA)
	if err != nil || !a.Pool.AppendCertsFromPEM(text) {
		t.Fatalf("the authority cannot be read back: %v", err)
	}
	leaf := func(n int64, use x509.ExtKeyUsage) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(n), Subject: pkix.Name{CommonName: "redis.test"}, NotBefore: root.NotBefore, NotAfter: root.NotAfter,
			DNSNames: []string{"redis.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{use},
			KeyUsage: x509.KeyUsageDigitalSignature,
		}
	}
	a.ServerCert, a.ServerKey = a.sign("server", leaf(2, x509.ExtKeyUsageServerAuth))
	a.ClientCert, a.ClientKey = a.sign("client", leaf(3, x509.ExtKeyUsageClientAuth))
	return a
}

func (a *Authority) sign(name string, c *x509.Certificate) (certFile, keyFile string) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	signer := a.key
	if signer == nil {
		a.key, signer = key, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	keyBytes, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(a.dir, name+".pem"), filepath.Join(a.dir, name+".key")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: keyBytes}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// Client returns the TLS configuration of a client that has a certificate.
func (a *Authority) Client() *tls.Config {
	a.t.Helper()
	pair, err := tls.LoadX509KeyPair(a.ClientCert, a.ClientKey)
	if err != nil {
		a.t.Fatal(err)
	}
	return &tls.Config{RootCAs: a.Pool, ServerName: "redis.test", Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
}

// StartTLS starts a server that speaks TLS only and asks for a client's certificate.
func StartTLS(t testing.TB, a *Authority) *Server {
	t.Helper()
	s := Reserve(t)
	s.tls = a.Client()
	s.args = []string{
		"--port", "0", "--tls-port", s.port, "--tls-cert-file", a.ServerCert, "--tls-key-file", a.ServerKey, "--tls-ca-cert-file", a.CA,
		"--tls-auth-clients", "yes",
	}
	s.Start(false)
	return s
}

// StartACL starts a server with more users than its default one, which may do everything. Each line is what follows `user` in an ACL file.
func StartACL(t testing.TB, users ...string) *Server {
	t.Helper()
	file := filepath.Join(t.TempDir(), "users.acl")
	lines := []string{"user default on nopass ~* &* +@all"}
	for _, u := range users {
		lines = append(lines, "user "+u)
	}
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return Start(t, "--aclfile", file)
}
