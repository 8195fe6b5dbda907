package store

import (
	"context"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/weirproxy/weir/controlplane/api"
	"github.com/weirproxy/weir/controlplane/api/weirv1"
)

// Draft is a document to store.
type Draft struct {
	Scope     string // service, empty for all
	Config    []byte // checked by the caller
	IfVersion *uint64
	Version   uint64 // wanted version, 0 for the next one
	DryRun    bool
}

// PutDocument stores a document as the scope's newest version. Refusals are *api.Error.
func (s *Store) PutDocument(ctx context.Context, d Draft, who Author, now time.Time) (doc *weirv1.Document, err error) {
	err = retry(ctx, func() error {
		doc, err = s.tryDocument(ctx, d, who, now)
		return err
	})
	if err != nil {
		return nil, err
	}
	if !d.DryRun {
		if err := s.pruneVersions(ctx); err != nil {
			s.log.Warn("old versions stay", "error", err)
		}
	}
	return doc, nil
}

func (s *Store) tryDocument(ctx context.Context, d Draft, who Author, now time.Time) (*weirv1.Document, error) {
	seq, err := s.number(ctx, seqVersion)
	if err != nil {
		return nil, err
	}
	current, rev, err := s.current(ctx, d.Scope)
	if err != nil {
		return nil, err
	}
	if d.IfVersion != nil && *d.IfVersion != current.GetVersion() {
		return nil, &api.Error{
			Code: "config.conflict", Message: fmt.Sprintf("the current version is %d, not %d", current.GetVersion(), *d.IfVersion),
			Cure: "get the current document, merge, and apply with its version", Status: 409,
		}
	}
	version := seq.value + 1
	if d.Version > 0 {
		if d.Version < version {
			return nil, &api.Error{
				Code: "config.version", Message: fmt.Sprintf("version %d was given out already, the next one is %d", d.Version, version),
				Cure: "versions only go forward; to go back, apply the old document again", Status: 409,
			}
		}
		version = d.Version
	}
	doc := &weirv1.Document{
		Version: version, Scope: d.Scope, Hash: api.Hash(d.Config), Config: d.Config, Stored: timestamppb.New(now),
		StoredBy: who.Name, Reason: who.Reason, Size: uint32(len(d.Config)),
	}
	if d.DryRun {
		return doc, nil
	}
	bare := proto.CloneOf(doc)
	bare.Config = nil
	c := new(change)
	c.require(seq.unmoved())
	c.require(clientv3.Compare(clientv3.ModRevision(keyCurrent+d.Scope), "=", rev))
	c.ops = append(c.ops, seq.set(version))
	for key, m := range map[string]*weirv1.Document{keyCurrent + d.Scope: bare, padded(keyVersion, version): bare, padded(keyDocument, version): doc} {
		if err := c.put(key, m); err != nil {
			return nil, err
		}
	}
	entry := who.entry(now, "config.apply", fmt.Sprintf("%s version %d", scopeText(d.Scope), version))
	entry.Before, entry.After = current.GetHash(), doc.GetHash()
	return doc, s.commit(ctx, c, entry)
}

func scopeText(scope string) string {
	if scope == "" {
		return "all services"
	}
	return "service " + scope
}

// current is the scope's newest document without its config, nil when there is none.
func (s *Store) current(ctx context.Context, scope string) (*weirv1.Document, int64, error) {
	r, err := s.kv.Get(ctx, keyCurrent+scope)
	if err != nil || len(r.Kvs) == 0 {
		return nil, 0, err
	}
	doc := new(weirv1.Document)
	if err := proto.Unmarshal(r.Kvs[0].Value, doc); err != nil {
		return nil, 0, fmt.Errorf("%s: %w", r.Kvs[0].Key, err)
	}
	return doc, r.Kvs[0].ModRevision, nil
}

// Document returns one version, or with version 0 the newest of the scope. A missing one is an *api.Error.
func (s *Store) Document(ctx context.Context, scope string, version uint64) (*weirv1.Document, error) {
	if version == 0 {
		current, _, err := s.current(ctx, scope)
		if err != nil {
			return nil, err
		}
		if current == nil {
			return nil, &api.Error{Code: "config.none", Message: "no configuration is stored for " + scopeText(scope), Cure: "store one with: weir-control apply -f policy.yaml", Status: 404}
		}
		version = current.GetVersion()
	}
	r, err := s.kv.Get(ctx, padded(keyDocument, version))
	if err != nil {
		return nil, err
	}
	doc := new(weirv1.Document)
	if len(r.Kvs) == 1 {
		if err := proto.Unmarshal(r.Kvs[0].Value, doc); err != nil {
			return nil, fmt.Errorf("%s: %w", r.Kvs[0].Key, err)
		}
	}
	if len(r.Kvs) == 0 || scope != "" && doc.GetScope() != scope {
		return nil, &api.Error{Code: "config.none", Message: fmt.Sprintf("%s has no version %d", scopeText(scope), version), Cure: "list them with: weir-control get versions", Status: 404}
	}
	return doc, nil
}

// Versions lists documents without config, newest first, of one scope or, with all, of every scope.
func (s *Store) Versions(ctx context.Context, scope string, all bool, limit int) ([]*weirv1.Document, error) {
	r, err := s.kv.Get(ctx, keyVersion, clientv3.WithPrefix(), clientv3.WithSort(clientv3.SortByKey, clientv3.SortDescend))
	if err != nil {
		return nil, err
	}
	var out []*weirv1.Document
	for _, kv := range r.Kvs {
		if len(out) == limit {
			break
		}
		doc := new(weirv1.Document)
		if err := proto.Unmarshal(kv.Value, doc); err != nil {
			return nil, fmt.Errorf("%s: %w", kv.Key, err)
		}
		if all || doc.GetScope() == scope {
			out = append(out, doc)
		}
	}
	return out, nil
}

// pruneVersions forgets the oldest versions beyond MaxVersions, never one that is in force.
func (s *Store) pruneVersions(ctx context.Context) error {
	r, err := s.kv.Get(ctx, keyVersion, clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil || len(r.Kvs) <= MaxVersions {
		return err
	}
	v, err := s.read(ctx, nil)
	if err != nil {
		return err
	}
	inForce := make(map[string]bool, len(v.Documents))
	for _, doc := range v.Documents {
		inForce[padded(keyVersion, doc.GetVersion())] = true
	}
	for _, kv := range r.Kvs[:len(r.Kvs)-MaxVersions] {
		key := string(kv.Key)
		if inForce[key] {
			continue
		}
		if _, err := s.kv.Txn(ctx).Then(clientv3.OpDelete(key), clientv3.OpDelete(keyDocument+key[len(keyVersion):])).Commit(); err != nil {
			return err
		}
	}
	return nil
}
