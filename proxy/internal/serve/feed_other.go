//go:build !linux

package serve

import "net"

// feed is for systems that tell how much is left behind what was read.
type feed struct{ blind bool }

func newFeed(net.Conn) *feed { return nil }

func newClientFeed(net.Conn) *feed { return nil }

func (f *feed) run(func() []byte, func(n int, err error) bool) error { return nil }

// isBlind reports whether there is a feed, and a blind one.
func (f *feed) isBlind() bool { return f != nil && f.blind }
