package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Security is how brokers are reached. The zero value is plain TCP without a user.
type Security struct {
	// TLS makes connections encrypted; nil: plain TCP. Without a ServerName a broker's certificate must be for the host of its address.
	TLS *tls.Config
	// SASL signs in; nil: no user.
	SASL *SASL
}

// SASL is how a client signs in.
type SASL struct {
	Mechanism string // PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
	// Credentials is asked with each connection, so that a password that was changed holds from the next one on. It is called concurrently.
	Credentials func() (user, password string, err error)
}

const (
	dialTimeout = time.Second
	// tlsTimeout has the round trips of a handshake too.
	tlsTimeout = 3 * time.Second
)

// Options returns what a client needs to connect in this way.
func (s Security) Options() ([]kgo.Opt, error) {
	// The client's own metrics (KIP-714), where a broker wants them, would take 8 MiB: they are compressed in blocks of 4 MiB.
	options := []kgo.Opt{kgo.DialTimeout(dialTimeout), kgo.DisableClientMetrics()}
	if s.TLS != nil {
		options = append(options, kgo.DialTimeout(tlsTimeout), kgo.DialTLSConfig(s.TLS))
	}
	if s.SASL != nil {
		m, err := s.SASL.mechanism()
		if err != nil {
			return nil, err
		}
		options = append(options, kgo.SASL(m))
	}
	return options, nil
}

// errCredentials says that there is no user or password to sign in with.
var errCredentials = errors.New("no credentials")

func (s *SASL) mechanism() (sasl.Mechanism, error) {
	ask := func() (string, string, error) {
		user, password, err := s.Credentials()
		if err != nil {
			err = fmt.Errorf("%w: %w", errCredentials, err)
		}
		return user, password, err
	}
	scrammed := func(context.Context) (scram.Auth, error) {
		user, password, err := ask()
		return scram.Auth{User: user, Pass: password}, err
	}
	switch s.Mechanism {
	case "PLAIN":
		return plain.Plain(func(context.Context) (plain.Auth, error) {
			user, password, err := ask()
			return plain.Auth{User: user, Pass: password}, err
		}), nil
	case "SCRAM-SHA-256":
		return scram.Sha256(scrammed), nil
	case "SCRAM-SHA-512":
		return scram.Sha512(scrammed), nil
	}
	return nil, fmt.Errorf("kafka: %q is no mechanism of SASL; give PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", s.Mechanism)
}
