package load

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Target is a server that is sent requests.
type Target struct {
	Network string // tcp or unix
	Address string // HOST:PORT, or the path of a socket
	Host    string // for the Host header
	Path    string // request target, for instance /graphql
}

// ParseTarget reads http://HOST:PORT[/PATH] or unix:PATH; the path of the request is /graphql unless the URL has one.
func ParseTarget(raw string) (Target, error) {
	if path, ok := strings.CutPrefix(raw, "unix:"); ok && path != "" {
		return Target{"unix", path, "localhost", "/graphql"}, nil
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return Target{}, fmt.Errorf("target %q: write http://HOST:PORT[/PATH] or unix:PATH", raw)
	}
	if port, err := strconv.Atoi(u.Port()); u.Port() != "" && (err != nil || port < 1 || port > 65535) {
		return Target{}, fmt.Errorf("target %q: port %s is none of 1 to 65535", raw, u.Port())
	}
	t := Target{"tcp", u.Host, u.Host, u.RequestURI()}
	if u.Port() == "" {
		t.Address = net.JoinHostPort(u.Hostname(), "80")
	}
	if t.Path == "/" {
		t.Path = "/graphql"
	}
	return t, nil
}

// String is the target as it would be typed.
func (t Target) String() string {
	if t.Network == "unix" {
		return "unix:" + t.Address
	}
	return "http://" + t.Host + t.Path
}
