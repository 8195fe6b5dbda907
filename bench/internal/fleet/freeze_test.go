package fleet

import (
	"net"
	"testing"
	"time"
)

// TestFreeze: a frozen server answers nothing, from the moment Freeze returns until Thaw.
func TestFreeze(t *testing.T) {
	p, address, err := StartRedis(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	answer := make([]byte, 64)
	ping := func() error {
		if _, err := c.Write([]byte("PING\r\n")); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		_, err := c.Read(answer)
		return err
	}
	for range 20 {
		if err := p.Freeze(); err != nil {
			t.Fatal(err)
		}
		if ping() == nil {
			t.Fatalf("a frozen server answered %q", answer)
		}
		if err := p.Thaw(); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Time{})
		if _, err := c.Read(answer); err != nil {
			t.Fatal(err)
		}
	}
}
