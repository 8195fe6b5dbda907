package redistest

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
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
	args []string    // beside the usual ones
	tls  *tls.Config // of its clients; nil: it speaks plain TCP
	cmd  *exec.Cmd
}

// Start starts a server, with more arguments if given, and waits until it answers. It ends with the test.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	s := Reserve(t, args...)
	s.Start(false)
	return s
}

// Reserve finds an address for a server that is not started yet.
func Reserve(t testing.TB, args ...string) *Server {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatalf("redis-server is not in PATH (cure: apt-get install redis-server): %v", err)
	}
	port := freePort(t)
	s := &Server{Addr: "127.0.0.1:" + port, t: t, path: path, dir: t.TempDir(), port: port, args: args}
	t.Cleanup(s.Kill)
	return s
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// Port is the port of Addr.
func (s *Server) Port() string { return s.port }

// Start starts the server; with keep it writes all commands to disk and reads what an earlier run with keep has written.
func (s *Server) Start(keep bool) {
	s.t.Helper()
	appendOnly := "no"
	if keep {
		appendOnly = "yes"
	}
	args := []string{"--bind", "127.0.0.1", "--save", "", "--dir", s.dir, "--appendonly", appendOnly, "--appendfsync", "always"}
	if s.tls == nil {
		args = append(args, "--port", s.port)
	}
	s.run(append(args, s.args...))
}

func (s *Server) run(args []string) {
	s.t.Helper()
	s.cmd = exec.Command(s.path, args...)
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	Until(s.t, "redis-server answers", Patience, func() bool {
		answer, err := s.try("PING")
		return err == nil && (answer == "+PONG" || strings.HasPrefix(answer, "-NOAUTH"))
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

// Freeze stops the server without closing its connections; Thaw lets it go on. It returns when the server has stopped: it goes on until it
// takes notice of the signal, which on a busy machine is long enough for an answer.
func (s *Server) Freeze() {
	s.t.Helper()
	_ = s.cmd.Process.Signal(syscall.SIGSTOP)
	stat := fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid)
	Until(s.t, "redis-server has stopped", Patience, func() bool {
		raw, err := os.ReadFile(stat)
		return err == nil && strings.Contains(string(raw), ") T")
	})
}

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
	return strings.Join(s.List(command...), "\n")
}

// Must is Do of a command that has to succeed.
func (s *Server) Must(command ...string) string {
	s.t.Helper()
	answer := s.Do(command...)
	if strings.HasPrefix(answer, "-") {
		s.t.Fatalf("%v: %s", command, answer)
	}
	return answer
}

// List sends a command and returns the strings and numbers of its answer, those of nested lists one after the other.
func (s *Server) List(command ...string) []string {
	s.t.Helper()
	c, err := s.send(command)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	list, err := readList(bufio.NewReader(c), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

func readList(r *bufio.Reader, list []string) ([]string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return list, err
	}
	line = strings.TrimSpace(line)
	if line == "" {
		return list, fmt.Errorf("an empty line in the answer")
	}
	n, _ := strconv.Atoi(line[1:])
	switch line[0] {
	case '*':
		for range max(0, n) {
			if list, err = readList(r, list); err != nil {
				return list, err
			}
		}
		return list, nil
	case '$':
		text := make([]byte, max(0, n)+2)
		if n < 0 {
			return append(list, ""), nil
		}
		_, err = io.ReadFull(r, text)
		return append(list, string(text[:n])), err
	}
	return append(list, line[1:]), nil
}

func (s *Server) send(command []string) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: time.Second}
	var c net.Conn
	var err error
	if s.tls != nil {
		c, err = tls.DialWithDialer(dialer, "tcp", s.Addr, s.tls)
	} else {
		c, err = dialer.Dial("tcp", s.Addr)
	}
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	var b strings.Builder
	b.WriteString("*" + strconv.Itoa(len(command)) + "\r\n")
	for _, w := range command {
		b.WriteString("$" + strconv.Itoa(len(w)) + "\r\n" + w + "\r\n")
	}
	if _, err = c.Write([]byte(b.String())); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

func (s *Server) try(command ...string) (string, error) {
	c, err := s.send(command)
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Close() }()
	line, err := bufio.NewReader(c).ReadString('\n')
	return strings.TrimSpace(line), err
}
