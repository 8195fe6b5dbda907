package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/weirproxy/weir/controlplane/api"
	"github.com/weirproxy/weir/controlplane/api/weirv1"
)

// Keys. Numbers in keys are padded, so that order of keys is order of numbers.
const (
	root          = "/weir/"
	keyCurrent    = root + "current/"  // + scope: Document without config, the newest of the scope
	keyDocument   = root + "document/" // + version: Document
	keyVersion    = root + "version/"  // + version: Document without config, for lists
	keyCommand    = root + "command/"  // + id: Command
	keyAudit      = root + "audit/"    // + sequence: AuditEntry
	keySequence   = root + "sequence/" // + what: the last number given out, decimal
	seqVersion    = "version"
	seqGeneration = "generation"
	seqAudit      = "audit"
)

// How much history is kept.
const (
	MaxVersions = 200
	MaxAudit    = 10_000
)

const maxTries = 64 // of one write that others get in the way of

// Config says where the store lives.
type Config struct {
	Dir    string
	Logger *slog.Logger
}

// Store is the open store. Safe for concurrent use.
type Store struct {
	engine *engine
	kv     *clientv3.Client
	log    *slog.Logger
}

// Open starts the store on a folder; one process may have it open.
func Open(ctx context.Context, c Config) (*Store, error) {
	e, err := startEngine(ctx, c.Dir)
	if err != nil {
		return nil, err
	}
	return &Store{engine: e, kv: e.client, log: c.Logger}, nil
}

// Close stops it. Nothing may be under way.
func (s *Store) Close() error { return s.engine.close() }

// Failed tells when the store stopped by itself.
func (s *Store) Failed() <-chan error { return s.engine.etcd.Err() }

// Author is who writes and why, for the audit trail.
type Author struct {
	Name   string // of the token
	Claims string // whom the caller says it acts for
	Reason string
}

// number is a sequence as read, to be moved on in the same transaction.
type number struct {
	key   string
	value uint64
	rev   int64
}

func (s *Store) number(ctx context.Context, name string) (number, error) {
	n := number{key: keySequence + name}
	r, err := s.kv.Get(ctx, n.key)
	if err != nil {
		return n, err
	}
	if len(r.Kvs) == 1 {
		if n.value, err = strconv.ParseUint(string(r.Kvs[0].Value), 10, 64); err != nil {
			return n, fmt.Errorf("sequence %s: %w", name, err)
		}
		n.rev = r.Kvs[0].ModRevision
	}
	return n, nil
}

// unmoved is the condition that nobody took a number since it was read.
func (n number) unmoved() clientv3.Cmp {
	return clientv3.Compare(clientv3.ModRevision(n.key), "=", n.rev)
}

func (n number) set(v uint64) clientv3.Op { return clientv3.OpPut(n.key, strconv.FormatUint(v, 10)) }

func padded(prefix string, n uint64) string { return fmt.Sprintf("%s%020d", prefix, n) }

// put encodes a message under a key.
func put(key string, m proto.Message, opts ...clientv3.OpOption) (clientv3.Op, error) {
	b, err := proto.Marshal(m)
	if err != nil {
		return clientv3.Op{}, fmt.Errorf("encode %s: %w", key, err)
	}
	return clientv3.OpPut(key, string(b), opts...), nil
}

// change is one write under way: conditions, operations, and the audit entry that goes with it.
type change struct {
	conditions []clientv3.Cmp
	ops        []clientv3.Op
}

func (c *change) require(cond clientv3.Cmp) { c.conditions = append(c.conditions, cond) }

func (c *change) put(key string, m proto.Message, opts ...clientv3.OpOption) error {
	op, err := put(key, m, opts...)
	if err == nil {
		c.ops = append(c.ops, op)
	}
	return err
}

// errRaced says that another write came between; the caller reads anew.
var errRaced = errors.New("another write came between")

// commit adds the audit entry and writes everything, or nothing and errRaced.
func (s *Store) commit(ctx context.Context, c *change, entry *weirv1.AuditEntry) error {
	seq, err := s.number(ctx, seqAudit)
	if err != nil {
		return err
	}
	entry.Sequence = seq.value + 1
	c.require(seq.unmoved())
	c.ops = append(c.ops, seq.set(entry.Sequence))
	if entry.Sequence > MaxAudit {
		c.ops = append(c.ops, clientv3.OpDelete(padded(keyAudit, 0), clientv3.WithRange(padded(keyAudit, entry.Sequence-MaxAudit+1))))
	}
	if err := c.put(padded(keyAudit, entry.Sequence), entry); err != nil {
		return err
	}
	r, err := s.kv.Txn(ctx).If(c.conditions...).Then(c.ops...).Commit()
	if err != nil {
		return err
	}
	if !r.Succeeded {
		return errRaced
	}
	return nil
}

// retry does a write again while others get in its way.
func retry(ctx context.Context, write func() error) error {
	for range maxTries {
		if err := write(); !errors.Is(err, errRaced) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return &api.Error{Code: "store.busy", Message: "too many writes at once", Cure: "try again", Status: 503}
}

func (a Author) entry(now time.Time, action, object string) *weirv1.AuditEntry {
	return &weirv1.AuditEntry{At: timestamppb.New(now), Who: a.Name, Claims: a.Claims, Action: action, Object: object, Reason: a.Reason}
}

// Audit lists the newest entries first.
func (s *Store) Audit(ctx context.Context, limit int) ([]*weirv1.AuditEntry, error) {
	r, err := s.kv.Get(ctx, keyAudit, clientv3.WithPrefix(), clientv3.WithSort(clientv3.SortByKey, clientv3.SortDescend), clientv3.WithLimit(int64(limit)))
	if err != nil {
		return nil, err
	}
	out := make([]*weirv1.AuditEntry, 0, len(r.Kvs))
	for _, kv := range r.Kvs {
		e := new(weirv1.AuditEntry)
		if err := proto.Unmarshal(kv.Value, e); err != nil {
			return nil, fmt.Errorf("%s: %w", kv.Key, err)
		}
		out = append(out, e)
	}
	return out, nil
}
