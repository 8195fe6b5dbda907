package redistest

import (
	"bufio"
	"io"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Server is a redis-server of one test.
type Server struct {
	Addr string
	t    testing.TB
	path string
	dir  string
	port string
	cmd  *exec.Cmd
}

// Start starts a server and waits until it answers. It ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	s := Reserve(t)
	s.Start(false)
	return s
}

// Reserve finds an address for a server that is not started yet.
func Reserve(t testing.TB) *Server {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatalf("redis-server is not in PATH (cure: apt-get install redis-server): %v", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	s := &Server{Addr: addr, t: t, path: path, dir: t.TempDir(), port: strconv.Itoa(l.Addr().(*net.TCPAddr).Port)}
	t.Cleanup(s.Kill)
	return s
}

// Start starts the server; with keep it writes all commands to disk and reads what an earlier run with keep has written.
func (s *Server) Start(keep bool) {
	s.t.Helper()
	appendOnly := "no"
	if keep {
		appendOnly = "yes"
	}
	s.StartWith("--appendonly", appendOnly, "--appendfsync", "always")
}

// StartWith starts the server with settings of its own, as redis-server's arguments.
func (s *Server) StartWith(settings ...string) {
	s.t.Helper()
	s.cmd = exec.Command(s.path, append([]string{"--port", s.port, "--bind", "127.0.0.1", "--save", "", "--dir", s.dir}, settings...)...)
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	Until(s.t, "redis-server answers", Patience, func() bool {
		answer, err := s.try("PING")
		return err == nil && answer == "+PONG"
	})
}

// Kill ends the server at once.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.cmd = nil
}

// Freeze stops the server without closing its connections; Thaw lets it go on.
func (s *Server) Freeze() { _ = s.cmd.Process.Signal(syscall.SIGSTOP) }

// Thaw lets a frozen server go on.
func (s *Server) Thaw() { _ = s.cmd.Process.Signal(syscall.SIGCONT) }

// Do sends a command and returns the first line of the answer.
func (s *Server) Do(command ...string) string {
	s.t.Helper()
	answer, err := s.try(command...)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer
}

// Text sends a command whose answer is one text, and returns it.
func (s *Server) Text(command ...string) string {
	s.t.Helper()
	var text string
	err := s.ask(func(r *bufio.Reader) error {
		head, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(head, "$")))
		if err != nil {
			return err
		}
		body := make([]byte, n)
		_, err = io.ReadFull(r, body)
		text = string(body)
		return err
	}, command)
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

func (s *Server) try(command ...string) (line string, err error) {
	err = s.ask(func(r *bufio.Reader) (err error) {
		line, err = r.ReadString('\n')
		return err
	}, command)
	return strings.TrimSpace(line), err
}

func (s *Server) ask(read func(*bufio.Reader) error, command []string) error {
	c, err := net.DialTimeout("tcp", s.Addr, time.Second)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	var b strings.Builder
	b.WriteString("*" + strconv.Itoa(len(command)) + "\r\n")
	for _, w := range command {
		b.WriteString("$" + strconv.Itoa(len(w)) + "\r\n" + w + "\r\n")
	}
	if _, err := c.Write([]byte(b.String())); err != nil {
		return err
	}
	return read(bufio.NewReader(c))
}
