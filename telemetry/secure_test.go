package telemetry

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/weirproxy/weir/telemetry/event"
)

// certificates returns one for 127.0.0.1 and example.com, and a pool that trusts it.
func certificates() (*tls.Config, *x509.CertPool) {
	s := httptest.NewUnstartedServer(nil)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	defer s.Close()
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return &tls.Config{Certificates: s.TLS.Certificates, MinVersion: tls.VersionTLS12}, pool
}

// secured starts a broker that wants a user, by TLS when conf is not nil.
func secured(t *testing.T, conf *tls.Config) *kfake.Cluster {
	t.Helper()
	options := []kfake.Opt{
		kfake.NumBrokers(1), kfake.SeedTopics(1, event.CostTopic, event.LossTopic), kfake.EnableSASL(),
		kfake.Superuser("PLAIN", "weir", "plain-word"), kfake.Superuser("SCRAM-SHA-256", "weir", "word-256"), kfake.Superuser("SCRAM-SHA-512", "weir", "word-512"),
	}
	if conf != nil {
		options = append(options, kfake.TLS(conf))
	}
	broker, err := kfake.NewCluster(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	return broker
}

func user(mechanism, password string) *SASL {
	return &SASL{Mechanism: mechanism, Credentials: func() (string, string, error) { return "weir", password, nil }}
}

func TestEventsArriveAtBrokersThatWantTLSAndAUser(t *testing.T) {
	conf, pool := certificates()
	mutual := conf.Clone()
	mutual.ClientAuth = tls.RequireAnyClientCert
	trusting := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	for _, c := range []struct {
		name     string
		server   *tls.Config
		security Security
	}{
		{"PLAIN", nil, Security{SASL: user("PLAIN", "plain-word")}},
		{"SCRAM-SHA-256", nil, Security{SASL: user("SCRAM-SHA-256", "word-256")}},
		{"SCRAM-SHA-512 by TLS", conf, Security{TLS: trusting, SASL: user("SCRAM-SHA-512", "word-512")}},
		{"a name of its own", conf, Security{TLS: &tls.Config{RootCAs: pool, ServerName: "example.com", MinVersion: tls.VersionTLS12}, SASL: user("PLAIN", "plain-word")}},
		{"a certificate of the client", mutual, Security{TLS: &tls.Config{RootCAs: pool, Certificates: conf.Certificates, MinVersion: tls.VersionTLS12}, SASL: user("PLAIN", "plain-word")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := &lines{}
			tel := newTelemetry(t, Config{Brokers: secured(t, c.server).ListenAddrs(), Security: c.security, Logger: log.logger()})
			stop := run(t, tel)
			for i := range 10 {
				tel.Emit(record(tel, i))
			}
			stop()
			if err := tel.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
			if st := tel.Stats(); st.Acked != 10 || !st.Connected {
				t.Errorf("%+v", st)
			}
			if text := log.String(); text != "" {
				t.Errorf("logged %s", text)
			}
		})
	}
}

// lines is a log.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// TestAWrongPasswordIsToldOnceWithItsCure also corrects the password, and nothing is lost.
func TestAWrongPasswordIsToldOnceWithItsCure(t *testing.T) {
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "refused by code"} {
		t.Run(mechanism, func(t *testing.T) {
			broker := secured(t, nil)
			if mechanism == "refused by code" { // as Kafka does; kfake ends the connection
				mechanism = "PLAIN"
				broker.ControlKey(kmsg.SASLAuthenticate.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
					broker.KeepControl()
					if strings.HasSuffix(string(r.(*kmsg.SASLAuthenticateRequest).SASLAuthBytes), "plain-word") {
						return nil, nil, false
					}
					answer := r.ResponseKind().(*kmsg.SASLAuthenticateResponse)
					answer.ErrorCode = kerr.SaslAuthenticationFailed.Code
					return answer, nil, true
				})
			}
			word := atomic.Pointer[string]{}
			word.Store(new("wrong-secret"))
			log := &lines{}
			tel := newTelemetry(t, Config{
				Brokers: broker.ListenAddrs(), Logger: log.logger(),
				Security: Security{SASL: &SASL{Mechanism: mechanism, Credentials: func() (string, string, error) { return "weir", *word.Load(), nil }}},
			})
			stop := run(t, tel)
			for i := range 10 {
				tel.Emit(record(tel, i))
			}
			eventually(t, func() bool { return strings.Contains(log.String(), "correct username and password of kafka_sasl") })
			time.Sleep(700 * time.Millisecond) // the next attempts are not told
			if text := log.String(); strings.Count(text, "\n") != 1 || strings.Contains(text, "wrong-secret") || tel.Stats().Connected {
				t.Errorf("logged %s, connected %v", text, tel.Stats().Connected)
			}
			word.Store(new(map[string]string{"PLAIN": "plain-word", "SCRAM-SHA-256": "word-256"}[mechanism]))
			eventually(t, func() bool { return tel.Stats().Acked == 10 })
			stop()
			if err := tel.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
			if text := log.String(); strings.Count(text, "\n") != 2 || !strings.Contains(text, "kafka takes events again") {
				t.Errorf("logged %s", text)
			}
		})
	}
}

func TestEachWrongSetupIsToldOnceWithItsCure(t *testing.T) {
	conf, pool := certificates()
	mutual := conf.Clone()
	mutual.ClientAuth = tls.RequireAnyClientCert
	plain := user("PLAIN", "plain-word")
	for _, c := range []struct {
		name     string
		server   *tls.Config
		security Security
		want     string
	}{
		{"another authority", conf, Security{TLS: &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}, SASL: plain}, "ca must hold the authority"},
		{"another name", conf, Security{TLS: &tls.Config{RootCAs: pool, ServerName: "elsewhere.test", MinVersion: tls.VersionTLS12}, SASL: plain}, "server_name be a name in it"},
		{"no certificate shown", mutual, Security{TLS: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, SASL: plain}, "cert and key be what the broker wants of clients"},
		{"plain to TLS", conf, Security{SASL: plain}, "add kafka_tls"},
		{"nobody signs in", nil, Security{}, "set kafka_sasl"},
		{"no file", nil, Security{SASL: &SASL{Mechanism: "PLAIN", Credentials: func() (string, string, error) { return "", "", errors.New("open x: gone") }}}, "name files with one line"},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := &lines{}
			if c.server != nil {
				c.server = c.server.Clone()
			}
			tel := newTelemetry(t, Config{Brokers: secured(t, c.server).ListenAddrs(), Security: c.security, Logger: log.logger()})
			stop := run(t, tel)
			tel.Emit(record(tel, 1))
			eventually(t, func() bool { return strings.Contains(log.String(), c.want) })
			time.Sleep(400 * time.Millisecond)
			if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "cure=") || tel.Stats().Connected {
				t.Errorf("logged %s, connected %v", text, tel.Stats().Connected)
			}
			stop()
			end, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
			defer cancel()
			_ = tel.Close(end) // the event is lost, and counted
			if st := tel.Stats(); st.Dropped["close"] != 1 {
				t.Errorf("%+v", st)
			}
		})
	}
}
