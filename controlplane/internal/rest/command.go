package rest

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/weirproxy/weir/controlplane/api"
	"github.com/weirproxy/weir/controlplane/api/weirv1"
)

func (s *server) issue(w http.ResponseWriter, r *call) (any, error) {
	spec := new(api.CommandSpec)
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxCommandBytes))
	d.DisallowUnknownFields()
	err := d.Decode(spec)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows the object")
		}
	}
	if err != nil {
		var tooLong *http.MaxBytesError
		if errors.As(err, &tooLong) {
			return nil, err
		}
		return nil, &api.Error{Code: "command.json", Message: "the body is not a command: " + err.Error(), Cure: `send for instance {"kind":"serve_stale","ttl":"5m"}`, Status: 400}
	}
	if err := spec.Validate(); err != nil {
		return nil, err
	}
	c, err := s.Store.Issue(r.Context(), spec, r.author, time.Now())
	if err != nil {
		return nil, err
	}
	s.Logger.Info("command issued", "id", c.GetId(), "kind", c.GetKind(), "operation", c.GetOperation(), "service", c.GetService(), "expires", c.GetExpires().AsTime(), "by", r.author.Name)
	return command(c), nil
}

func (s *server) commands(_ http.ResponseWriter, r *call) (any, error) {
	view, err := s.Store.View(r.Context())
	if err != nil {
		return nil, err
	}
	accepted, refused := s.Fleet.Answers()
	now := time.Now()
	out := make([]api.Command, 0, len(view.Commands))
	for _, stored := range view.Commands {
		c := command(stored)
		if !c.Expires.After(now) {
			continue
		}
		c.Accepted, c.Refused = accepted[c.ID], refused[c.ID]
		out = append(out, c)
	}
	return map[string]any{"commands": out}, nil
}

func (s *server) revoke(_ http.ResponseWriter, r *call) (any, error) {
	c, err := s.Store.Revoke(r.Context(), r.PathValue("id"), r.author, time.Now())
	if err != nil {
		return nil, err
	}
	s.Logger.Info("command revoked", "id", c.GetId(), "kind", c.GetKind(), "by", r.author.Name)
	out := command(c)
	out.Revoked = true
	return out, nil
}

func command(c *weirv1.Command) api.Command {
	return api.Command{
		ID: c.GetId(), Generation: c.GetGeneration(), Kind: c.GetKind(), Operation: c.GetOperation(), Service: c.GetService(), Params: c.GetParams(),
		Observe: c.GetObserve(), Reason: c.GetReason(), Issued: c.GetIssued().AsTime(), IssuedBy: c.GetIssuedBy(),
		NotBefore: c.GetNotBefore().AsTime(), Expires: c.GetExpires().AsTime(),
	}
}
