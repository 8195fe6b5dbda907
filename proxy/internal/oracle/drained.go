package oracle

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"runtime"
)

// drained returns when the peer of a loopback connection has read all that was sent, so that the next write is a read of its own there.
// It looks at the kernel's table of sockets. A peer may have reasons not to read, and another kernel may have no such table: then it gives
// up, and the split may not be seen; what is compared does not depend on it.
func drained(c *net.TCPConn) {
	local, remote := c.LocalAddr().(*net.TCPAddr), c.RemoteAddr().(*net.TCPAddr)
	row := fmt.Appendf(nil, ":%04X 0100007F:%04X ", remote.Port, local.Port)
	for range 100 {
		table, err := os.ReadFile("/proc/net/tcp")
		if err != nil {
			return
		}
		i := bytes.Index(table, row)
		if i < 0 {
			return
		}
		fields := bytes.Fields(table[i+len(row):][:min(40, len(table)-i-len(row))])
		if len(fields) < 2 || bytes.HasSuffix(fields[1], []byte(":00000000")) {
			return
		}
		runtime.Gosched()
	}
}
