//go:build !linux

package serve

import "net"

// left never knows here.
func left(net.Conn) bool { return false }

// unread never knows here.
func unread(net.Conn) bool { return false }
