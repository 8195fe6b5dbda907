package proxy

import (
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/weirproxy/weir/proxy/internal/config"
	"github.com/weirproxy/weir/telemetry"
)

// kafkaSecurity returns how brokers are reached, and reads the files that the configuration names for it: what is missing now is told now.
func kafkaSecurity(f *config.File) (s telemetry.Security, err error) {
	if s.TLS, err = clientTLS("kafka_tls", f.KafkaTLS); err != nil || f.KafkaSASL == nil {
		return s, err
	}
	u := f.KafkaSASL
	s.SASL = &telemetry.SASL{Mechanism: u.Mechanism, Credentials: func() (user, password string, err error) {
		if user, err = credential("kafka_sasl.username_file", u.Username, u.UsernameFile); err != nil {
			return "", "", err
		}
		password, err = credential("kafka_sasl.password_file", u.Password, u.PasswordFile)
		return user, password, err
	}}
	_, _, err = s.SASL.Credentials()
	return s, err
}

// warnOfClearPassword says that anybody on the way can read the password.
func warnOfClearPassword(f *config.File, log *slog.Logger) {
	if f.KafkaSASL != nil && f.KafkaSASL.Mechanism == "PLAIN" && f.KafkaTLS == nil {
		log.Warn("kafka_sasl sends the password to Kafka for anybody on the way to read", "cure", "set kafka_tls, or a SCRAM mechanism")
	}
}

// credential returns the text, or what the file holds now, without the line's end.
func credential(key, text, file string) (string, error) {
	if file == "" {
		return text, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("%s: %w; name a file that this user may read", key, err)
	}
	if text = strings.TrimRight(string(b), "\r\n"); text == "" {
		return "", fmt.Errorf("%s: %s is empty; write one line", key, file)
	}
	return text, nil
}
