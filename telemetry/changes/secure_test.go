package changes

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirproxy/weir/telemetry/internal/kafka"
)

// TestChangesComeFromBrokersThatWantTLSAndAUser begins with a wrong password and an empty pool of authorities, and corrects them one by one.
func TestChangesComeFromBrokersThatWantTLSAndAUser(t *testing.T) {
	web := httptest.NewUnstartedServer(nil)
	web.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	web.StartTLS()
	defer web.Close()
	trusted := x509.NewCertPool()
	trusted.AddCert(web.Certificate())
	topics := cluster(t, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "weir", "right"),
		kfake.TLS(&tls.Config{Certificates: web.TLS.Certificates, MinVersion: tls.VersionTLS12}))

	password := atomic.Pointer[string]{}
	password.Store(new("wrong-secret"))
	security := func(pool *x509.CertPool) kafka.Security {
		return kafka.Security{
			TLS: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
			SASL: &kafka.SASL{Mechanism: "SCRAM-SHA-512", Credentials: func() (string, string, error) {
				return "weir", *password.Load(), nil
			}},
		}
	}
	for _, group := range []string{"", "fleet"} {
		untrusting := listenBy(t, security(x509.NewCertPool()), topics.ListenAddrs(), group)
		until(t, "the certificate is told", func() bool { return strings.Contains(untrusting.logged(), "ca must hold the authority") })
		untrusting.stop()
		password.Store(new("wrong-secret"))
		l := listenBy(t, security(trusted), topics.ListenAddrs(), group)
		until(t, "the refusal is told", func() bool { return strings.Contains(l.logged(), "correct username and password of kafka_sasl") })
		time.Sleep(700 * time.Millisecond) // the next attempts are not told
		if text := l.logged(); strings.Count(text, "\n") != 1 || strings.Contains(text, "wrong-secret") || l.reader.Stats().Connected {
			t.Errorf("logged %s", text)
		}
		password.Store(new("right"))
		options, err := security(trusted).Options()
		if err != nil {
			t.Fatal(err)
		}
		produceBy(t, append(options, kgo.SeedBrokers(topics.ListenAddrs()...)), "one"+group)
		until(t, "the change arrives", func() bool { return l.has("one" + group) })
		until(t, "the end of the trouble is told", func() bool { return strings.Contains(l.logged(), "kafka can be reached again") })
		if text := l.logged(); strings.Count(text, "\n") != 2 || !l.reader.Stats().Connected {
			t.Errorf("logged %s", text)
		}
		l.stop()
	}
}

func (l *listener) logged() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.log.String()
}
