package config

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// What follows reads one value each; what is wrong with it goes to the document under its path.

func headers(d *document, path string, list []string) []string {
	var out []string
	for i, h := range list {
		h = strings.ToLower(strings.TrimSpace(h))
		if h == "" || strings.ContainsAny(h, " :\t\r\n") {
			d.addf(fmt.Sprintf("%s[%d]", path, i), "%q is no header name", list[i])
		}
		out = append(out, h)
	}
	return out
}

// codesOf reads codes of GraphQL errors.
func codesOf(d *document, path string, list []string) []string {
	for i, c := range list {
		if c == "" || strings.TrimSpace(c) != c {
			d.addf(fmt.Sprintf("%s[%d]", path, i), "%q is no code of an error; write it as the service does in extensions.code, or * for all errors", c)
		}
	}
	return list
}

func duration(d *document, path, text string, low, high time.Duration) time.Duration {
	v, err := time.ParseDuration(text)
	if text == "0" {
		v, err = 0, nil
	}
	switch {
	case err != nil:
		d.addf(path, "%q is no duration; write for instance 250ms, 10s or 5m", text)
	case v < low || v > high:
		d.addf(path, "%s is out of range; it must be %s to %s", text, low, high)
	}
	return v
}

// interval reads how often something is done: 0 is never.
func interval(d *document, path, text string, least, high time.Duration) time.Duration {
	v := duration(d, path, text, 0, high)
	if 0 < v && v < least {
		d.addf(path, "%s is too often; write %s or more, or 0 for never", text, least)
	}
	return v
}

var units = []struct {
	name string
	n    int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"B", 1}}

func size(d *document, path, text string, low, high int64) int64 {
	digits, unit := text, int64(1)
	for _, u := range units {
		if rest, ok := strings.CutSuffix(text, u.name); ok {
			digits, unit = strings.TrimSpace(rest), u.n
			break
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	switch {
	case err != nil || n < 0 || n > high/unit+1:
		d.addf(path, "%q is no size up to %d bytes; write for instance 512, 64KiB or 8MiB", text, high)
		return low
	case n*unit < low || n*unit > high:
		d.addf(path, "%s is out of range; it must be %d to %d bytes", text, low, high)
	}
	return n * unit
}

func between(d *document, path string, n, low, high int) {
	if n < low || n > high {
		d.addf(path, "%d is out of range; it must be %d to %d", n, low, high)
	}
}

func oneOf(d *document, path, text string, want ...string) {
	for _, w := range want {
		if text == w {
			return
		}
	}
	d.addf(path, "%q is not one of %s", text, strings.Join(want, ", "))
}

func checkAddress(d *document, path, a string) {
	if p, ok := strings.CutPrefix(a, "unix:"); ok {
		if p == "" {
			d.addf(path, "%q has no path; write unix:/run/weir.sock", a)
		}
		return
	}
	_, port, err := net.SplitHostPort(a)
	if err == nil {
		var n int
		if n, err = strconv.Atoi(port); err == nil && (n < 0 || n > 65535) {
			err = strconv.ErrRange
		}
	}
	if err != nil {
		d.addf(path, "%q is no address; write HOST:PORT, for instance 127.0.0.1:4000", a)
	}
}

// secret takes ${NAME} from the environment.
func secret(d *document, env Env, path, text string) string {
	name, ok := strings.CutPrefix(text, "${")
	if !ok {
		return text
	}
	name, ok = strings.CutSuffix(name, "}")
	v, set := env(name)
	if !ok || !set || v == "" {
		d.addf(path, "the environment has no %s; set it, or give the value", text)
	}
	return v
}
