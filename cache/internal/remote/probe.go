package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"syscall"
	"time"
)

const (
	probeTimeout = 300 * time.Millisecond
	probeEvery   = 10 * time.Second
)

// probe finds out, after an attempt to connect that failed without a reason, whether the server speaks TLS and this side does not, or the
// reverse: a server of either kind just closes the connection, or waits for the rest of what it takes for a command.
func (l *Link) probe(ctx context.Context, failed error) bool {
	if errors.Is(failed, syscall.ECONNREFUSED) || time.Since(l.probed) < probeEvery {
		return false
	}
	l.probed = time.Now()
	for _, address := range l.cfg.Addresses {
		dialer := net.Dialer{Timeout: probeTimeout}
		c, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			continue
		}
		_ = c.SetDeadline(time.Now().Add(probeTimeout))
		found, asks := plainOnly, speaksPlain
		if l.cfg.TLS == nil {
			found, asks = wantsTLS, speaksTLS
		}
		ok := asks(ctx, c)
		_ = c.Close()
		if ok {
			l.trouble.tell(found, connecting, "error", failed.Error())
			return true
		}
	}
	return false
}

// speaksTLS reports whether the other side answers a TLS greeting as one should: with its certificate, or with an alert.
func speaksTLS(ctx context.Context, c net.Conn) bool {
	seen := false
	err := tls.Client(c, &tls.Config{
		InsecureSkipVerify: true, // nothing is sent: only what the other side is counts
		VerifyConnection:   func(tls.ConnectionState) error { seen = true; return nil },
	}).HandshakeContext(ctx)
	var alert tls.AlertError
	return err == nil || seen || errors.As(err, &alert)
}

// speaksPlain reports whether the other side answers a command as Redis does.
func speaksPlain(_ context.Context, c net.Conn) bool {
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	var b [1]byte
	n, _ := c.Read(b[:])
	return n == 1 && (b[0] == '+' || b[0] == '-')
}
