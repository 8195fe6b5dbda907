package kafka

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestCuresAreFound(t *testing.T) {
	open, secure := Security{}, Security{TLS: &tls.Config{MinVersion: tls.VersionTLS12}}
	user := Security{SASL: &SASL{Mechanism: "PLAIN"}}
	versions, sasl, metadata := kmsg.ApiVersions.Int16(), kmsg.SASLAuthenticate.Int16(), kmsg.Metadata.Int16()
	for _, c := range []struct {
		name     string
		security Security
		err      error
		key      int16
		want     string
	}{
		{"refused connection", secure, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, none, ""},
		{"code of a refused user", user, fmt.Errorf("%w: Authentication failed", kerr.SaslAuthenticationFailed), none, "auth"},
		{"word of a refused SCRAM user", user, errors.New(`server sent authentication error "unknown-user"`), none, "auth"},
		{"connection ended while signing in", user, io.EOF, sasl, "auth"},
		{"mechanism", user, kerr.UnsupportedSaslMechanism, none, "mechanism"},
		{"port without SASL", user, kerr.IllegalSaslState, none, "mechanism"},
		{"credentials", user, fmt.Errorf("%w: x", errCredentials), none, "credentials"},
		{"no rights to a topic", user, kerr.TopicAuthorizationFailed, none, "acl"},
		{"no rights to a group", user, fmt.Errorf("unable to join group: %w", kerr.GroupAuthorizationFailed), none, "acl"},
		{"unknown authority", secure, errors.New("unable to dial: tls: failed to verify certificate: x509: certificate signed by unknown authority"), none, "certificate"},
		{"alert about the own certificate", secure, errors.New("remote error: tls: certificate required"), versions, "certificate"},
		{"TLS to plain, answered", secure, fmt.Errorf("unable to dial: %w", tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}), none, "plain"},
		{"TLS to plain, ended", secure, fmt.Errorf("dial: %w", io.EOF), none, "plain"},
		{"plain to TLS, ended", open, io.EOF, versions, "wants_tls"},
		{"plain to TLS, alert", open, errors.New("invalid large response size 352518912 > limit 104857600; the first three bytes received appear to be a tls alert record for TLS v1.2; is this a plaintext connection speaking to a tls endpoint?"), versions, "wants_tls"},
		{"no user", open, io.EOF, metadata, "wants_sasl"},
		{"a good connection that ended", user, io.EOF, metadata, ""},
		{"another refusal", user, kerr.MessageTooLarge, none, ""},
	} {
		if got := c.security.cureOf(c.err, c.key); got.kind != c.want || (got.cure == "") != (c.want == "") {
			t.Errorf("%s: %+v, want %s", c.name, got, c.want)
		}
	}
}

func TestMechanismsAreThoseThatThereAre(t *testing.T) {
	for _, name := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		options, err := Security{SASL: &SASL{Mechanism: name}}.Options()
		if err != nil {
			t.Fatal(err)
		}
		if c, err := kgo.NewClient(options...); err != nil {
			t.Error(err)
		} else {
			c.Close()
		}
	}
	if _, err := (Security{SASL: &SASL{Mechanism: "GSSAPI"}}).Options(); err == nil {
		t.Error("GSSAPI is taken")
	}
}
