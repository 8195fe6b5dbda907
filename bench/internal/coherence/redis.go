package coherence

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/weirproxy/weir/bench/internal/fleet"
)

// server is a redis-server process.
type server struct {
	*fleet.Process
	address string
}

func (g *stage) redis(ctx context.Context, address string, args ...string) (*server, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, fmt.Errorf("redis-server is not installed (apt-get install redis-server): %w", err)
	}
	if address == "" {
		if address, err = fleet.FreeAddress(); err != nil {
			return nil, err
		}
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	g.servers++
	p, err := fleet.Start(ctx, fleet.Spec{
		Name: fmt.Sprint("redis-", g.servers), Path: path, Dir: g.dir, Ready: fleet.Listens(address),
		Args: append([]string{"--bind", host, "--port", port, "--save", "", "--appendonly", "no", "--dir", g.dir}, args...),
	})
	if err != nil {
		return nil, err
	}
	g.running = append(g.running, p)
	return &server{p, address}, nil
}

const commandTime = 5 * time.Second

// do sends a command and returns its answer: lines for a list, one line else. An error of the server is an error.
func (s *server) do(command ...string) ([]string, error) {
	c, err := net.DialTimeout("tcp", s.address, commandTime)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(commandTime)); err != nil {
		return nil, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(command))
	for _, w := range command {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	if _, err := io.WriteString(c, b.String()); err != nil {
		return nil, err
	}
	out, err := reply(bufio.NewReader(c))
	if err != nil {
		return nil, fmt.Errorf("redis %s: %s: %w", s.address, strings.Join(command, " "), err)
	}
	return out, nil
}

// reply reads one answer of RESP2, flattened.
func reply(r *bufio.Reader) ([]string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	kind, rest := line[0], strings.TrimSpace(line[1:])
	switch kind {
	case '-':
		return nil, fmt.Errorf("%s", rest)
	case '$':
		n, err := strconv.Atoi(rest)
		if err != nil || n < 0 {
			return nil, err
		}
		text := make([]byte, n+2)
		if _, err := io.ReadFull(r, text); err != nil {
			return nil, err
		}
		return []string{string(text[:n])}, nil
	case '*':
		n, err := strconv.Atoi(rest)
		if err != nil {
			return nil, err
		}
		var out []string
		for range n {
			one, err := reply(r)
			if err != nil {
				return nil, err
			}
			out = append(out, one...)
		}
		return out, nil
	default:
		return []string{rest}, nil
	}
}

// until polls a condition.
func until(ctx context.Context, what string, limit time.Duration, condition func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := condition()
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not within %s: %s: %w", limit, what, errors.Join(err, context.Cause(ctx)))
		case <-tick.C:
		}
	}
}
