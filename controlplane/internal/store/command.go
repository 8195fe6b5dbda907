package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/weirproxy/weir/controlplane/api"
	"github.com/weirproxy/weir/controlplane/api/weirv1"
)

// MaxCommands bounds the commands in force at one time.
const MaxCommands = 1000

// forgetAfter is how long etcd keeps a command beyond its end; the end itself is in the command.
const forgetAfter = time.Minute

// Issue stores a command that the caller has validated. Refusals are *api.Error.
func (s *Store) Issue(ctx context.Context, spec *api.CommandSpec, who Author, now time.Time) (*weirv1.Command, error) {
	lifetime, err := spec.Lifetime()
	if err != nil {
		return nil, err
	}
	count, err := s.kv.Get(ctx, keyCommand, clientv3.WithPrefix(), clientv3.WithCountOnly())
	if err != nil {
		return nil, err
	}
	if count.Count >= MaxCommands {
		return nil, &api.Error{Code: "command.count", Message: fmt.Sprintf("%d commands are in force, that is the maximum", count.Count), Cure: "revoke some", Status: 429}
	}
	var random [4]byte
	_, _ = rand.Read(random[:]) // never fails, says crypto/rand
	lease, err := s.kv.Grant(ctx, int64((lifetime+forgetAfter)/time.Second))
	if err != nil {
		return nil, err
	}
	var c *weirv1.Command
	err = retry(ctx, func() error {
		seq, err := s.number(ctx, seqGeneration)
		if err != nil {
			return err
		}
		c = &weirv1.Command{
			Id: fmt.Sprintf("c%d-%s", seq.value+1, hex.EncodeToString(random[:])), Generation: seq.value + 1, Kind: spec.Kind, Operation: spec.Operation,
			Params: spec.Params, NotBefore: timestamppb.New(now), Expires: timestamppb.New(now.Add(lifetime)), Observe: spec.Observe, Reason: spec.Reason,
			Service: spec.Service, Issued: timestamppb.New(now), IssuedBy: who.Name,
		}
		w := new(change)
		w.require(seq.unmoved())
		w.ops = append(w.ops, seq.set(c.Generation))
		if err := w.put(keyCommand+c.Id, c, clientv3.WithLease(lease.ID)); err != nil {
			return err
		}
		entry := who.entry(now, "command.issue", c.Id+" "+c.Kind)
		entry.After = describe(c)
		entry.Reason = spec.Reason
		return s.commit(ctx, w, entry)
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// describe is a command in one line for the audit trail.
func describe(c *weirv1.Command) string {
	text := scopeText(c.GetService()) + " until " + c.GetExpires().AsTime().Format(time.RFC3339)
	if c.GetOperation() != "" {
		text += " operation " + c.GetOperation()
	}
	if len(c.GetParams()) > 0 {
		text += fmt.Sprintf(" %v", c.GetParams())
	}
	if c.GetObserve() {
		text += " observe"
	}
	return text
}

// Revoke ends a command before its time. An unknown or expired one is an *api.Error.
func (s *Store) Revoke(ctx context.Context, id string, who Author, now time.Time) (c *weirv1.Command, err error) {
	err = retry(ctx, func() error {
		r, err := s.kv.Get(ctx, keyCommand+id)
		if err != nil {
			return err
		}
		c = new(weirv1.Command)
		if len(r.Kvs) == 1 {
			if err := proto.Unmarshal(r.Kvs[0].Value, c); err != nil {
				return fmt.Errorf("%s: %w", r.Kvs[0].Key, err)
			}
		}
		if len(r.Kvs) == 0 || !c.GetExpires().AsTime().After(now) {
			return &api.Error{Code: "command.none", Message: fmt.Sprintf("no command %q is in force", id), Cure: "list them with: weir-control get commands", Status: 404}
		}
		w := new(change)
		w.require(clientv3.Compare(clientv3.ModRevision(keyCommand+id), "=", r.Kvs[0].ModRevision))
		w.ops = append(w.ops, clientv3.OpDelete(keyCommand+id))
		entry := who.entry(now, "command.revoke", c.GetId()+" "+c.GetKind())
		entry.Before = describe(c)
		return s.commit(ctx, w, entry)
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}
