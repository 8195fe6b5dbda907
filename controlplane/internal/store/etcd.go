package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
)

const (
	memberName   = "weir"
	lockFile     = "lock"
	logFile      = "etcd.log"
	maxLogBytes  = 4 << 20 // above it the log of the last run is kept as etcd.log.old and a new one begun
	quotaBytes   = 2 << 30
	requestBytes = 4 << 20 // one transaction: a document and what goes with it
	startTimeout = 60 * time.Second
)

// etcd keeps the latest writes in memory, documents and all, for members that have fallen behind: between 5,000 and 15,000 by default. There is one member.
const (
	snapshotWrites = 100
	catchUpWrites  = 10
)

// engine is the embedded etcd and a client of it.
type engine struct {
	etcd    *embed.Etcd
	client  *clientv3.Client
	sockets string
	lock    *os.File
}

// startEngine runs a one-member etcd on dir and waits until it can be written to.
func startEngine(ctx context.Context, dir string) (*engine, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	e, err := startLocked(ctx, dir)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	e.lock = lock
	return e, nil
}

// lockDir takes the folder for this process: etcd would wait for the other one without a word.
func lockDir(dir string) (*os.File, error) {
	path := filepath.Join(dir, lockFile)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("data folder %s is in use by another weir-control (%w): stop that one or choose another folder", dir, err), f.Close())
	}
	return f, nil
}

func startLocked(ctx context.Context, dir string) (*engine, error) {
	if err := trimLog(filepath.Join(dir, logFile)); err != nil {
		return nil, err
	}
	// A socket's path is limited to about 100 bytes, so it cannot lie below a data folder of any depth.
	sockets, err := os.MkdirTemp("", "weir-control-")
	if err != nil {
		return nil, err
	}
	e := &engine{sockets: sockets}
	e.etcd, err = embed.StartEtcd(etcdConfig(dir, sockets))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start etcd on %s: %w", dir, err), os.RemoveAll(sockets))
	}
	timer := time.NewTimer(startTimeout)
	defer timer.Stop()
	select {
	case <-e.etcd.Server.ReadyNotify():
		e.client = v3client.New(e.etcd.Server)
		return e, nil
	case err = <-e.etcd.Err():
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = fmt.Errorf("not ready within %s", startTimeout)
	}
	return nil, errors.Join(fmt.Errorf("start etcd on %s: %w", dir, err), e.close())
}

func etcdConfig(dir, sockets string) *embed.Config {
	c := embed.NewConfig()
	c.Name = memberName
	c.Dir = filepath.Join(dir, "etcd")
	client := url.URL{Scheme: "unix", Path: filepath.Join(sockets, "client")}
	peer := url.URL{Scheme: "unix", Path: filepath.Join(sockets, "peer")}
	c.ListenClientUrls, c.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	c.ListenPeerUrls, c.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	c.InitialCluster = c.InitialClusterFromName(c.Name)
	c.TickMs, c.ElectionMs = 50, 500 // one member elects itself
	c.LogLevel = "warn"
	c.LogOutputs = []string{filepath.Join(dir, logFile)}
	c.QuotaBackendBytes = quotaBytes
	c.MaxRequestBytes = requestBytes
	c.SnapshotCount, c.SnapshotCatchUpEntries = snapshotWrites, catchUpWrites
	c.AutoCompactionMode = embed.CompactorModePeriodic
	c.AutoCompactionRetention = "1h"
	return c
}

// trimLog begins a new log when the old one has grown.
func trimLog(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Size() < maxLogBytes:
		return nil // it is appended to
	}
	return os.Rename(path, path+".old")
}

func (e *engine) close() error {
	var err error
	if e.client != nil {
		if cerr := e.client.Close(); cerr != nil && !errors.Is(cerr, context.Canceled) {
			err = cerr
		}
	}
	e.etcd.Close()
	err = errors.Join(err, os.RemoveAll(e.sockets))
	if e.lock != nil {
		err = errors.Join(err, e.lock.Close())
	}
	return err
}
