package fleet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/weirproxy/weir/bench/internal/scrape"
)

const (
	startTime   = 15 * time.Second
	probeTime   = time.Second
	redisBinary = "redis-server"
)

// Binaries are the programs under test.
type Binaries struct{ Weir, Control, Bench string }

// FindBinaries looks in dir and says which are missing.
func FindBinaries(dir string) (Binaries, error) {
	b := Binaries{filepath.Join(dir, "weir"), filepath.Join(dir, "weir-control"), filepath.Join(dir, "weir-bench")}
	var errs []error
	for _, path := range []string{b.Weir, b.Control} {
		if _, err := os.Stat(path); err != nil {
			errs = append(errs, fmt.Errorf("%w (make build makes it)", err))
		}
	}
	return b, errors.Join(errs...)
}

// Sidecar is a running weir.
type Sidecar struct {
	*Process
	Name, Listen, Admin string
}

// URL of the data listener.
func (s *Sidecar) URL() string { return "http://" + s.Listen }

// AdminURL of the admin listener.
func (s *Sidecar) AdminURL() string { return "http://" + s.Admin }

// Metrics reads /metrics.
func (s *Sidecar) Metrics(ctx context.Context) (scrape.Metrics, error) {
	return scrape.Get(ctx, s.AdminURL()+"/metrics")
}

// SidecarConfig are the flags of weir run.
type SidecarConfig struct {
	Binary, Name, Dir string
	Upstream          string
	Schema            string // file
	Service           string
	Redis, Kafka      []string
	Control, Token    string
	Args              []string // further flags
	CPU               int
}

// StartSidecar starts weir run and waits for /readyz.
func StartSidecar(ctx context.Context, c SidecarConfig) (*Sidecar, error) {
	s := &Sidecar{Name: c.Name}
	var err error
	if s.Listen, err = FreeAddress(); err != nil {
		return nil, err
	}
	if s.Admin, err = FreeAddress(); err != nil {
		return nil, err
	}
	state := filepath.Join(c.Dir, c.Name+"-state")
	if err := os.MkdirAll(state, 0o755); err != nil {
		return nil, err
	}
	args := []string{"run", "--listen", s.Listen, "--admin", s.Admin, "--upstream", c.Upstream, "--state", state, "--instance", c.Name}
	for _, f := range []struct{ flag, value string }{
		{"--schema", c.Schema},
		{"--service", c.Service},
		{"--redis", strings.Join(c.Redis, ",")},
		{"--kafka", strings.Join(c.Kafka, ",")},
		{"--control", c.Control},
		{"--token", c.Token},
	} {
		if f.value != "" {
			args = append(args, f.flag, f.value)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	s.Process, err = Start(ctx, Spec{
		Name: c.Name, Path: c.Binary, Args: append(args, c.Args...), Dir: c.Dir, CPU: c.CPU, Ready: answers(s.AdminURL() + "/readyz"),
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Control is a running weir-control.
type Control struct {
	*Process
	Listen, Token string
	binary        string
}

// URL of its API.
func (c *Control) URL() string { return "http://" + c.Listen }

// StartControl starts weir-control serve and waits until it listens.
func StartControl(ctx context.Context, binary, dir, token string) (*Control, error) {
	c := &Control{Token: token, binary: binary}
	var err error
	if c.Listen, err = FreeAddress(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*startTime)
	defer cancel()
	c.Process, err = Start(ctx, Spec{
		Name: "weir-control", Path: binary, Args: []string{"serve", "--listen", c.Listen, "--data", filepath.Join(dir, "control")},
		Env: []string{"WEIR_CONTROL_TOKEN=" + token}, Dir: dir, Ready: Listens(c.Listen),
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Call runs weir-control as a client and returns what it printed.
func (c *Control) Call(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, c.binary, args...)
	cmd.Env = append(os.Environ(), "WEIR_CONTROL_TOKEN="+c.Token, "WEIR_CONTROL_URL="+c.URL())
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return out, fmt.Errorf("weir-control %s: %s: %s", strings.Join(args, " "), exit.ProcessState, strings.TrimSpace(string(exit.Stderr)))
	}
	return out, err
}

// StartBench starts weir-bench as a server beside the load, on a free port and on processor cpu (0: any): what it keeps is no burden for this process. args are
// its arguments when it shall listen on address.
func StartBench(ctx context.Context, binary, name, dir string, cpu int, args func(address string) []string) (*Process, string, error) {
	address, err := FreeAddress()
	if err != nil {
		return nil, "", err
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	p, err := Start(ctx, Spec{Name: name, Path: binary, Dir: dir, CPU: cpu, Ready: Listens(address), Args: args(address)})
	return p, address, err
}

// RedisPath is where redis-server is. The error has the line that installs it.
func RedisPath() (string, error) {
	path, err := exec.LookPath(redisBinary)
	if err != nil {
		return "", fmt.Errorf("%s is not installed (apt-get install redis-server): %w", redisBinary, err)
	}
	return path, nil
}

// StartRedis starts redis-server from PATH on a free port, without files.
func StartRedis(ctx context.Context, dir string) (*Process, string, error) {
	return StartPinnedRedis(ctx, dir, 0)
}

// StartPinnedRedis is StartRedis on one processor, with further arguments of redis-server.
func StartPinnedRedis(ctx context.Context, dir string, cpu int, args ...string) (*Process, string, error) {
	path, err := RedisPath()
	if err != nil {
		return nil, "", err
	}
	address, err := FreeAddress()
	if err != nil {
		return nil, "", err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, "", err
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	p, err := Start(ctx, Spec{
		Name: "redis", Path: path, Dir: dir, CPU: cpu, Ready: pongs(address),
		Args: append([]string{"--bind", host, "--port", port, "--save", "", "--appendonly", "no", "--dir", dir}, args...),
	})
	return p, address, err
}

// answers waits for a 200.
func answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, probeTime)
		defer cancel()
		_, err := scrape.Body(ctx, url)
		return err
	}
}

// Listens waits until a TCP address accepts connections: for Spec.Ready.
func Listens(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := (&net.Dialer{Timeout: probeTime}).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

func pongs(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := (&net.Dialer{Timeout: probeTime}).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(probeTime)); err != nil {
			return err
		}
		if _, err := conn.Write([]byte("PING\r\n")); err != nil {
			return err
		}
		var b [5]byte
		if _, err := conn.Read(b[:]); err != nil {
			return err
		}
		if string(b[:]) != "+PONG" {
			return fmt.Errorf("redis said %q", b[:])
		}
		return nil
	}
}
