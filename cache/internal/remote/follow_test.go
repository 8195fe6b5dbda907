package remote

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirproxy/weir/cache/internal/codec"
	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/redistest"
)

// linked returns a link that is connected, and what ends its Run.
func linked(t *testing.T, server *redistest.Server) (l *Link, end func()) {
	t.Helper()
	sealed, err := codec.New(codec.Config{})
	if err != nil {
		t.Fatal(err)
	}
	l = New(Config{Addresses: []string{server.Addr}, Namespace: "t", Codec: sealed})
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() { l.Run(ctx) })
	end = func() { cancel(); work.Wait() }
	t.Cleanup(func() { end(); l.Close() })
	redistest.Until(t, "the link has connected", redistest.Patience, func() bool { return l.reader.Load() != nil })
	return l, end
}

// clients are the connections that the server has from this project.
func clients(server *redistest.Server) (list []string) {
	for line := range strings.Lines(server.Text("CLIENT", "LIST")) {
		if strings.Contains(line, " name=weir ") {
			list = append(list, line)
		}
	}
	return list
}

// All that a reader does goes over one connection, which nobody else uses.
func TestReaderHasAConnectionOfItsOwn(t *testing.T) {
	server := redistest.Start(t)
	l, _ := linked(t, server)
	log := NewLog(l, "t", 1000, Member{ID: "me", Bound: time.Minute})
	for range 3 {
		page, err := log.Sync(t.Context(), entry.Position{}, 10, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if err := log.Await(t.Context(), page.Head, time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	list, readers := clients(server), 0
	for _, c := range list {
		if strings.Contains(c, " cmd=xread ") {
			readers++
		}
	}
	if len(list) != 2 || readers != 1 {
		t.Errorf("%d of these connections wait for the log:\n%s", readers, strings.Join(list, ""))
	}
}

// A call whose context nobody watches ends with the link all the same, and does not wait for its own limit.
func TestReaderEndsWithItsLink(t *testing.T) {
	server := redistest.Start(t)
	l, end := linked(t, server)
	f := l.reader.Load()
	ended := make(chan error, 1)
	go func() {
		ended <- f.Do(context.Background(), f.B().Arbitrary("BLPOP").Keys("nothing").Args("0").Build()).Error()
	}()
	redistest.Until(t, "the server has the call", redistest.Patience, func() bool {
		return strings.Contains(strings.Join(clients(server), ""), " cmd=blpop ")
	})
	end()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("the call ended with %v", err)
	}
	if err := f.Do(context.Background(), f.B().Ping().Build()).Error(); err == nil {
		t.Error("there are calls after the end")
	}
}
