package listen

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestConnectionsCarryTheirDestination(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "unix:" + filepath.Join(t.TempDir(), "weir.sock")} {
		l, err := Open(address, "origin:1")
		if err != nil {
			t.Fatal(err)
		}
		network, target := "tcp", l.Address()
		if path, ok := strings.CutPrefix(target, "unix:"); ok {
			network, target = "unix", path
		}
		client, err := net.Dial(network, target)
		if err != nil {
			t.Fatal(err)
		}
		c, err := l.Accept()
		if err != nil || c.Destination != "origin:1" {
			t.Errorf("%s: accepted %q, %v", address, c.Destination, err)
		}
		client.Close()
		c.Close()
		l.Close()
	}
}

func TestUnixSocketLeftBehindIsReplacedAndALiveOneIsNot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "weir.sock")
	inner, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open("unix:"+path, ""); err == nil || !strings.Contains(err.Error(), "another process listens") {
		t.Errorf("a live socket: %v", err)
	}
	inner.SetUnlinkOnClose(false)
	inner.Close()
	l, err := Open("unix:"+path, "")
	if err != nil {
		t.Fatalf("a socket left behind: %v", err)
	}
	l.Close()

	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open("unix:"+path, ""); err == nil || !strings.Contains(err.Error(), "not a socket") {
		t.Errorf("a plain file: %v", err)
	}
}

func TestErrorsNameTheCure(t *testing.T) {
	l, err := Open("127.0.0.1:0", "")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := Open(l.Address(), ""); err == nil || !strings.Contains(err.Error(), "choose another address") {
		t.Errorf("port in use: %v", err)
	}
}
