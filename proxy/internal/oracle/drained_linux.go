package oracle

import (
	"encoding/binary"
	"net"
	"syscall"
)

// From linux/sock_diag.h and linux/inet_diag.h.
const (
	netlinkSockDiag  = 4
	sockDiagByFamily = 20
	diagRequest      = syscall.NLMSG_HDRLEN + 56
	diagSocket       = syscall.NLMSG_HDRLEN + 8  // where the request names the socket
	diagUnread       = syscall.NLMSG_HDRLEN + 56 // where the answer has the length of the receive queue
)

// diag asks the kernel over a socket of its own.
type diag struct{ fd int }

func openSocketTable() socketTable {
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, netlinkSockDiag)
	if err != nil {
		return diag{-1}
	}
	return diag{fd}
}

func (d diag) close() {
	if d.fd >= 0 {
		syscall.Close(d.fd)
	}
}

func (d diag) unread(local, remote *net.TCPAddr) (n uint32, ok bool) {
	src, dst := local.IP.To4(), remote.IP.To4()
	if d.fd < 0 || src == nil || dst == nil {
		return 0, false
	}
	var b [512]byte
	binary.NativeEndian.PutUint32(b[0:], diagRequest)
	binary.NativeEndian.PutUint16(b[4:], sockDiagByFamily)
	binary.NativeEndian.PutUint16(b[6:], syscall.NLM_F_REQUEST)
	b[16], b[17] = syscall.AF_INET, syscall.IPPROTO_TCP
	binary.NativeEndian.PutUint32(b[20:], 1<<1) // established
	id := b[diagSocket:]
	binary.BigEndian.PutUint16(id[0:], uint16(local.Port))
	binary.BigEndian.PutUint16(id[2:], uint16(remote.Port))
	copy(id[4:], src)
	copy(id[20:], dst)
	binary.NativeEndian.PutUint64(id[40:], ^uint64(0)) // no cookie
	if syscall.Sendto(d.fd, b[:diagRequest], 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}) != nil {
		return 0, false
	}
	size, _, err := syscall.Recvfrom(d.fd, b[:], 0)
	if err != nil || size < diagUnread+4 || binary.NativeEndian.Uint16(b[4:]) != sockDiagByFamily {
		return 0, false
	}
	return binary.NativeEndian.Uint32(b[diagUnread:]), true
}
