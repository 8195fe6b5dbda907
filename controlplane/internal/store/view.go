package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/proto"

	"github.com/weirproxy/weir/controlplane/api/weirv1"
)

// View is everything that sidecars follow, at one revision. Immutable.
type View struct {
	Revision  uint64
	Documents map[string]*weirv1.Document // by scope, with config
	Commands  []*weirv1.Command           // by generation; may hold expired ones
}

// Document is what a sidecar of a service should have: its own document, else the one for all services, else nil.
func (v *View) Document(service string) *weirv1.Document {
	if v == nil {
		return nil
	}
	if doc := v.Documents[service]; doc != nil {
		return doc
	}
	return v.Documents[""]
}

// CommandsFor lists the unexpired commands that a sidecar of a service should obey.
func (v *View) CommandsFor(service string, now time.Time) []*weirv1.Command {
	if v == nil {
		return nil
	}
	var out []*weirv1.Command
	for _, c := range v.Commands {
		if (c.GetService() == "" || c.GetService() == service) && c.GetExpires().AsTime().After(now) {
			out = append(out, c)
		}
	}
	return out
}

// read builds the view anew; documents that did not change are taken from before.
func (s *Store) read(ctx context.Context, before *View) (*View, error) {
	r, err := s.kv.Txn(ctx).Then(clientv3.OpGet(keyCurrent, clientv3.WithPrefix()), clientv3.OpGet(keyCommand, clientv3.WithPrefix())).Commit()
	if err != nil {
		return nil, err
	}
	v := &View{Revision: uint64(r.Header.Revision), Documents: make(map[string]*weirv1.Document)}
	for _, kv := range r.Responses[0].GetResponseRange().GetKvs() {
		doc := new(weirv1.Document)
		if err := proto.Unmarshal(kv.Value, doc); err != nil {
			return nil, fmt.Errorf("%s: %w", kv.Key, err)
		}
		if before != nil && before.Documents[doc.GetScope()].GetVersion() == doc.GetVersion() {
			doc = before.Documents[doc.GetScope()]
		} else if doc, err = s.Document(ctx, doc.GetScope(), doc.GetVersion()); err != nil {
			return nil, err
		}
		v.Documents[doc.GetScope()] = doc
	}
	for _, kv := range r.Responses[1].GetResponseRange().GetKvs() {
		c := new(weirv1.Command)
		if err := proto.Unmarshal(kv.Value, c); err != nil {
			return nil, fmt.Errorf("%s: %w", kv.Key, err)
		}
		v.Commands = append(v.Commands, c)
	}
	slices.SortFunc(v.Commands, func(a, b *weirv1.Command) int { return cmp.Compare(a.GetGeneration(), b.GetGeneration()) })
	return v, nil
}

// View reads the present view.
func (s *Store) View(ctx context.Context) (*View, error) { return s.read(ctx, nil) }

// Follow calls back with a new view after every change that sidecars may see, until ctx ends. v is the view to start from.
func (s *Store) Follow(ctx context.Context, v *View, changed func(*View)) error {
	for ctx.Err() == nil {
		next, err := s.followFrom(ctx, v, changed)
		if ctx.Err() != nil {
			break
		}
		s.log.Warn("watch of the store ended, it is begun anew", "error", err)
		if fresh, err := s.read(ctx, next); err == nil {
			v = fresh
			changed(v)
		}
		pause(ctx, time.Second)
	}
	return ctx.Err()
}

func (s *Store) followFrom(ctx context.Context, v *View, changed func(*View)) (*View, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for r := range s.kv.Watch(ctx, keyCommand, clientv3.WithRange(clientv3.GetPrefixRangeEnd(keyCurrent)), clientv3.WithRev(int64(v.Revision)+1)) {
		if err := r.Err(); err != nil {
			return v, err
		}
		if len(r.Events) == 0 || uint64(r.Header.Revision) <= v.Revision {
			continue
		}
		next, err := s.read(ctx, v)
		if err != nil {
			return v, err
		}
		v = next
		changed(v)
	}
	return v, ctx.Err()
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
