package peer

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

	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/scrape"
)

// Place is where a server is started.
type Place struct {
	Dir        string // folder for all servers; each has its own below
	Upstream   string // HOST:PORT
	Schema     string // path
	Kafka      string
	IdleBroker string // the one of idle priority
	Redis      string
	NPM        string
	CPU        int // processor to pin it to, from 1; 0: none
}

// Server is a running one.
type Server struct {
	*fleet.Process
	Name   string
	Target load.Target
	Admin  string // HOST:PORT, "" when it has none
}

const (
	startTime = 30 * time.Second // a gateway on Node takes seconds on a busy machine
	probeTime = time.Second
	graphql   = "/graphql"
)

// Start makes the server's folder and files and starts it. On an error nothing is left running.
func Start(ctx context.Context, t *Target, f *Found, at Place) (*Server, error) {
	d, err := at.data(t)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.Name, err)
	}
	r, err := t.Render(d)
	if err != nil {
		return nil, err
	}
	if err := prepare(t, r, d.Dir); err != nil {
		return nil, fmt.Errorf("%s: %w", t.Name, err)
	}
	s := &Server{Name: t.Name, Admin: d.Admin, Target: load.Target{Network: t.Listen, Address: d.Listen, Host: "localhost", Path: graphql}}
	if !t.Unix() {
		s.Target.Host = d.Listen
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	s.Process, err = fleet.Start(ctx, fleet.Spec{
		Name: t.Name, Path: f.Path, Args: r.Args, Env: r.Env, Dir: d.Dir, CPU: at.CPU, Ready: ready(s.Target, r.Ready),
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (at Place) data(t *Target) (Data, error) {
	d := Data{
		Name: t.Name, Upstream: at.Upstream, Schema: at.Schema, Kafka: at.Kafka, Redis: at.Redis, NPM: at.NPM, Size: t.Size, Root: os.Geteuid() == 0,
		Dir: filepath.Join(at.Dir, t.Name),
	}
	if t.IdleBroker {
		d.Kafka = at.IdleBroker
	}
	if t.Kafka && d.Kafka == "" || t.Redis && at.Redis == "" {
		return d, errors.New("it needs a broker or Redis, and none was started")
	}
	var err error
	if t.Unix() {
		d.Listen = filepath.Join(d.Dir, "socket")
	} else {
		if d.Listen, err = fleet.FreeAddress(); err != nil {
			return d, err
		}
		if d.Host, d.Port, err = net.SplitHostPort(d.Listen); err != nil {
			return d, err
		}
	}
	if t.Admin {
		if d.Admin, err = fleet.FreeAddress(); err != nil {
			return d, err
		}
	}
	if d.Upstream != "" {
		d.UpstreamHost, d.UpstreamPort, err = net.SplitHostPort(d.Upstream)
	}
	return d, err
}

func prepare(t *Target, r *Rendered, dir string) error {
	for _, sub := range append([]string{"."}, t.Dirs...) {
		if err := os.MkdirAll(filepath.Join(dir, filepath.FromSlash(sub)), 0o755); err != nil {
			return err
		}
	}
	for name, text := range r.Files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// ready waits until url answers 200, where there is one, and then until the server takes a connection.
func ready(t load.Target, url string) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, probeTime)
		defer cancel()
		if url != "" {
			if _, err := scrape.Body(ctx, url); err != nil {
				return err
			}
		}
		conn, err := new(net.Dialer).DialContext(ctx, t.Network, t.Address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

// Stop ends the server. Servers of others end with the status they like: only one that had to be killed is an error.
func (s *Server) Stop() error {
	err := s.Process.Stop()
	var exit *exec.ExitError
	if errors.As(err, &exit) && !strings.Contains(err.Error(), "was killed") {
		return nil
	}
	return err
}
