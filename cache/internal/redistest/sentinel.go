package redistest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Watched is a master, its replica, and a Sentinel that watches both.
type Watched struct {
	Name            string // of the master, for Sentinel
	Master, Replica *Server
	Sentinel        *Server
}

// StartWatched starts the three and waits until Sentinel knows the replica. They end with the test.
func StartWatched(t testing.TB) *Watched {
	t.Helper()
	w := &Watched{Name: "shared", Master: Start(t)}
	w.Replica = Start(t, "--replicaof", "127.0.0.1", w.Master.port)
	w.Sentinel = Reserve(t)
	conf := filepath.Join(w.Sentinel.dir, "sentinel.conf")
	text := strings.Join([]string{
		"port " + w.Sentinel.port, "bind 127.0.0.1", "dir " + w.Sentinel.dir,
		"sentinel monitor " + w.Name + " 127.0.0.1 " + w.Master.port + " 1",
		"sentinel down-after-milliseconds " + w.Name + " 500", "sentinel failover-timeout " + w.Name + " 3000",
	}, "\n") + "\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w.Sentinel.run([]string{conf, "--sentinel"})
	Until(t, "Sentinel knows a replica that is in step", Patience, func() bool {
		replicas := strings.Join(w.Sentinel.List("SENTINEL", "REPLICAS", w.Name), " ")
		return strings.Contains(replicas, w.Replica.port) && strings.Contains(replicas, "master-link-status ok")
	})
	return w
}

// Leads returns the address that Sentinel names as the master.
func (w *Watched) Leads() string {
	return strings.Join(w.Sentinel.List("SENTINEL", "GET-MASTER-ADDR-BY-NAME", w.Name), ":")
}
