package oracle

import (
	"net"
	"runtime"
)

// socketTable tells how many bytes a socket of this host has received and its owner has not read.
type socketTable interface {
	unread(local, remote *net.TCPAddr) (n uint32, ok bool)
	close()
}

// maxLooks bounds how often the table is looked at for one write.
const maxLooks = 200

// drained returns when the peer of a loopback connection has read all that was sent, so that the next write is a read of its own there.
// A peer may have reasons not to read, and a kernel may have no such table: then it gives up, and the split may not be seen; what is
// compared does not depend on it.
func drained(table socketTable, c *net.TCPConn) {
	local, remote := c.LocalAddr().(*net.TCPAddr), c.RemoteAddr().(*net.TCPAddr)
	for range maxLooks {
		if n, ok := table.unread(remote, local); !ok || n == 0 {
			return
		}
		runtime.Gosched()
	}
}
