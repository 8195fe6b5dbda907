package rest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/weirproxy/weir/controlplane/api"
	"github.com/weirproxy/weir/controlplane/api/weirv1"
	"github.com/weirproxy/weir/controlplane/internal/store"
)

func (s *server) putConfig(w http.ResponseWriter, r *call) (any, error) {
	draft, err := draftOf(r)
	if err != nil {
		return nil, err
	}
	draft.Config, err = io.ReadAll(http.MaxBytesReader(w, r.Body, api.MaxConfigBytes))
	if err != nil {
		return nil, err
	}
	if err := api.CheckConfig(draft.Config); err != nil {
		return nil, err
	}
	doc, err := s.Store.PutDocument(r.Context(), draft, r.author, time.Now())
	if err != nil {
		return nil, err
	}
	out := document(doc)
	out.Config, out.DryRun = "", draft.DryRun
	if !draft.DryRun {
		ctx, cancel := context.WithTimeout(r.Context(), publishTime)
		defer cancel()
		s.Fleet.Await(ctx, out.Service, out.Version)
		s.Logger.Info("configuration stored", "version", out.Version, "service", out.Service, "hash", out.Hash, "by", r.author.Name)
	}
	return out, nil
}

func draftOf(r *call) (d store.Draft, err error) {
	q := r.URL.Query()
	d.Scope = q.Get("service")
	if err := api.CheckService(d.Scope); err != nil {
		return d, err
	}
	if q.Has("if_version") {
		n, err := number(r, "if_version", 0)
		if err != nil {
			return d, err
		}
		d.IfVersion = &n
	}
	if d.Version, err = number(r, "version", 0); err != nil {
		return d, err
	}
	if text := q.Get("dry_run"); text != "" {
		if d.DryRun, err = strconv.ParseBool(text); err != nil {
			return d, &api.Error{Code: "http.query", Message: fmt.Sprintf("dry_run=%q is neither true nor false", text), Cure: "correct it or leave it out", Status: 400}
		}
	}
	return d, nil
}

func (s *server) getConfig(w http.ResponseWriter, r *call) (any, error) {
	scope := r.URL.Query().Get("service")
	if err := api.CheckService(scope); err != nil {
		return nil, err
	}
	version, err := number(r, "version", 0)
	if err != nil {
		return nil, err
	}
	doc, err := s.Store.Document(r.Context(), scope, version)
	if err != nil {
		return nil, err
	}
	w.Header().Set("Weir-Config-Version", strconv.FormatUint(doc.GetVersion(), 10))
	if strings.Contains(r.Header.Get("Accept"), "application/yaml") {
		w.Header().Set("Content-Type", "application/yaml")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(doc.GetConfig()) // the caller went away, or has it
		return nil, nil
	}
	return document(doc), nil
}

func (s *server) versions(_ http.ResponseWriter, r *call) (any, error) {
	n, err := limit(r)
	if err != nil {
		return nil, err
	}
	q := r.URL.Query()
	if err := api.CheckService(q.Get("service")); err != nil {
		return nil, err
	}
	docs, err := s.Store.Versions(r.Context(), q.Get("service"), !q.Has("service"), n)
	if err != nil {
		return nil, err
	}
	out := make([]api.Document, 0, len(docs))
	for _, doc := range docs {
		out = append(out, document(doc))
	}
	return map[string]any{"versions": out}, nil
}

func document(d *weirv1.Document) api.Document {
	return api.Document{
		Version: d.GetVersion(), Service: d.GetScope(), Hash: d.GetHash(), Size: int(d.GetSize()), Stored: d.GetStored().AsTime(),
		StoredBy: d.GetStoredBy(), Reason: d.GetReason(), Config: string(d.GetConfig()),
	}
}

func (s *server) sidecars(http.ResponseWriter, *call) (any, error) {
	return map[string]any{"sidecars": s.Fleet.Sidecars()}, nil
}

func (s *server) audit(_ http.ResponseWriter, r *call) (any, error) {
	n, err := limit(r)
	if err != nil {
		return nil, err
	}
	entries, err := s.Store.Audit(r.Context(), n)
	if err != nil {
		return nil, err
	}
	out := make([]api.AuditEntry, 0, len(entries))
	for _, e := range entries {
		out = append(out, api.AuditEntry{
			Sequence: e.GetSequence(), At: e.GetAt().AsTime(), Who: e.GetWho(), Claims: e.GetClaims(), Action: e.GetAction(),
			Object: e.GetObject(), Before: e.GetBefore(), After: e.GetAfter(), Reason: e.GetReason(),
		})
	}
	return map[string]any{"audit": out}, nil
}
