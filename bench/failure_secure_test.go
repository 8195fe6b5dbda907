package bench

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

const securedFile = `kafka: [%s]
kafka_tls: {ca: %q}
kafka_sasl:
  mechanism: SCRAM-SHA-512
  username: weir
  password_file: %q
invalidation:
  topics: [{name: said, format: json}]
`

// kafkaWantsTLSAndAUser gives one sidecar a wrong password, which is corrected, and another a wrong authority. Traffic passes all the time.
func kafkaWantsTLSAndAUser(w *world) {
	w.Helper()
	ca, pair := w.certificate("kafka")
	other, _ := w.certificate("other")
	topics, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "said", "finops.cost.events", "weir.loss"), kfake.EnableSASL(),
		kfake.Superuser("SCRAM-SHA-512", "weir", "the-right-word"), kfake.TLS(&tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}))
	if err != nil {
		w.Fatal(err)
	}
	defer topics.Close()
	password := w.write("password", "the-wrong-word\n")
	brokers := strings.Join(topics.ListenAddrs(), ", ")
	a := w.sidecar("a", "-c", w.write("a.yaml", fmt.Sprintf(securedFile, brokers, ca, password)))
	b := w.sidecar("b", "-c", w.write("b.yaml", fmt.Sprintf(securedFile, brokers, other, password)))
	traffic := w.traffic(0.02, a, b)
	for s, cure := range map[*sidecar]string{a: "correct username and password of kafka_sasl", b: "ca must hold the authority of the broker's certificate"} {
		w.untilMetric(s, 0, "weir_kafka_connected")
		w.untilMetric(s, 0, "weir_changes_connected")
		w.until(s.name+" tells the cure", func() error {
			if n := s.logged(cure); n != 2 { // for events, and for changes
				return fmt.Errorf("%d lines\n%s", n, s.Tail())
			}
			return nil
		})
	}
	time.Sleep(2 * time.Second) // more attempts, and nothing more to say
	traffic.flows()
	for _, s := range []*sidecar{a, b} {
		if n := s.logged(`"level":"warn"`); n != 2 {
			w.Errorf("%d warnings\n%s", n, s.Tail())
		}
		if n := s.logged("-word"); n != 0 {
			w.Errorf("the password is logged\n%s", s.Tail())
		}
	}
	w.write("password", "the-right-word\n")
	w.untilMetric(a, 1, "weir_kafka_connected")
	w.untilMetric(a, 1, "weir_changes_connected")
	w.acknowledges(a)
	if n := a.metric("weir_events_dropped_total"); n > 0 {
		w.Errorf("%v events were dropped before the password was right: they have room to wait", n)
	}
	traffic.end()
	w.accounted(a)
}

// write writes a file of this world and returns its path.
func (w *world) write(name, text string) string {
	w.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
	return path
}

// certificate makes one for 127.0.0.1 that is its own authority, and writes it to a PEM file.
func (w *world) certificate(name string) (file string, pair tls.Certificate) {
	w.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		w.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return w.write(name+".pem", string(text)), tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
