package kafka

import (
	"crypto/tls"
	"errors"
	"io"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// cure is a way in which a broker, or the way to it, is set up wrongly, and what to do. The zero value is an outage: there is nothing to do but wait.
type cure struct{ kind, what, cure string }

var (
	wrongUser = cure{"auth", "Kafka refuses the user or its password", "correct username and password of kafka_sasl"}
	noUser    = cure{"credentials", "there is no user or password for Kafka", "let username_file and password_file of kafka_sasl name files with one line that this user may read"}
	wantsUser = cure{"wants_sasl", "Kafka ends connections that do not sign in", "set kafka_sasl, or give a port of the broker that wants no user"}
	mechanism = cure{"mechanism", "Kafka does not know this mechanism on this port", "correct mechanism of kafka_sasl, or remove kafka_sasl when the port wants no user"}
	rights    = cure{"acl", "the Kafka user may not do what is asked", "grant it: WRITE and DESCRIBE on the topics of events; READ and DESCRIBE on the topics and READ on the group of invalidation"}
	certs     = cure{
		"certificate", "the certificate of a Kafka broker, or the one shown to it, is not accepted",
		"kafka_tls: ca must hold the authority of the broker's certificate, server_name be a name in it, cert and key be what the broker wants of clients",
	}
	plainOnly = cure{"plain", "Kafka does not speak TLS on this port", "remove kafka_tls, or give the broker's TLS port"}
	wantsTLS  = cure{"wants_tls", "Kafka ends plain connections on this port", "add kafka_tls, or give the broker's plain port; a proxy before a broker that is away ends them too"}
)

// refusals are by the code of a broker.
var refusals = []struct {
	err  error
	cure cure
}{
	{kerr.SaslAuthenticationFailed, wrongUser},
	{kerr.UnsupportedSaslMechanism, mechanism},
	{kerr.IllegalSaslState, mechanism},
	{kerr.TopicAuthorizationFailed, rights},
	{kerr.GroupAuthorizationFailed, rights},
	{kerr.ClusterAuthorizationFailed, rights},
	{errCredentials, noUser},
}

// none is the request of a connection that ended before there was one.
const none = -1

// cureOf finds what an error is a sign of. key is the request that was not answered, or none.
func (s Security) cureOf(err error, key int16) cure {
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return r.cure
		}
	}
	text := err.Error()
	var header tls.RecordHeaderError
	switch {
	case errors.As(err, &header):
		return plainOnly
	case strings.Contains(text, "x509: "), strings.Contains(text, "tls: "):
		return certs
	case strings.Contains(text, "server sent authentication error"), strings.Contains(text, "server signature mismatch"):
		return wrongUser
	case s.TLS == nil && strings.Contains(text, "tls alert"):
		return wantsTLS
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return cure{}
	}
	switch { // the other side just ended the connection: what was it about to answer?
	case key == none && s.TLS != nil:
		return plainOnly
	case key == kmsg.ApiVersions.Int16() && s.TLS == nil:
		return wantsTLS
	case key == kmsg.SASLAuthenticate.Int16():
		return wrongUser
	case key > none && !greeting(key) && s.SASL == nil:
		return wantsUser
	}
	return cure{}
}

// greeting reports whether a request is of those that begin a connection.
func greeting(key int16) bool {
	switch kmsg.Key(key) {
	case kmsg.ApiVersions, kmsg.SASLHandshake, kmsg.SASLAuthenticate:
		return true
	}
	return false
}
