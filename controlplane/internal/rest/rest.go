package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/weirproxy/weir/controlplane/api"
	"github.com/weirproxy/weir/controlplane/api/weirv1"
	"github.com/weirproxy/weir/controlplane/internal/access"
	"github.com/weirproxy/weir/controlplane/internal/store"
)

const (
	maxCommandBytes = 64 << 10
	maxClaimsBytes  = 128
	defaultLimit    = 50
	maxLimit        = 1000
	requestTime     = 30 * time.Second
	publishTime     = 2 * time.Second // from a document's being stored to the streams' knowing it
)

// Store is what the API needs of the store.
type Store interface {
	PutDocument(ctx context.Context, d store.Draft, who store.Author, now time.Time) (*weirv1.Document, error)
	Document(ctx context.Context, scope string, version uint64) (*weirv1.Document, error)
	Versions(ctx context.Context, scope string, all bool, limit int) ([]*weirv1.Document, error)
	Audit(ctx context.Context, limit int) ([]*weirv1.AuditEntry, error)
	Commands
}

// Commands is the part of Store about commands.
type Commands interface {
	Issue(ctx context.Context, spec *api.CommandSpec, who store.Author, now time.Time) (*weirv1.Command, error)
	Revoke(ctx context.Context, id string, who store.Author, now time.Time) (*weirv1.Command, error)
	View(ctx context.Context) (*store.View, error)
}

// Fleet is what the API needs to know of the streams.
type Fleet interface {
	Sidecars() []api.Sidecar
	Answers() (accepted, refused map[string]int)
	Await(ctx context.Context, scope string, version uint64)
}

// Config names the parts.
type Config struct {
	Store  Store
	Fleet  Fleet
	Gate   *access.Gate
	Logger *slog.Logger
}

type server struct{ Config }

// call is one authorised request.
type call struct {
	*http.Request
	author store.Author
}

// New returns the handler of the API.
func New(c Config) http.Handler {
	s := &server{c}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("PUT /v1/config", s.admin(s.putConfig))
	mux.HandleFunc("GET /v1/config", s.admin(s.getConfig))
	mux.HandleFunc("GET /v1/versions", s.admin(s.versions))
	mux.HandleFunc("GET /v1/sidecars", s.admin(s.sidecars))
	mux.HandleFunc("POST /v1/commands", s.admin(s.issue))
	mux.HandleFunc("GET /v1/commands", s.admin(s.commands))
	mux.HandleFunc("DELETE /v1/commands/{id}", s.admin(s.revoke))
	mux.HandleFunc("GET /v1/audit", s.admin(s.audit))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, r, &api.Error{Code: "http.path", Message: "no such path or method: " + r.Method + " " + r.URL.Path, Cure: "see the documentation of package controlplane/api", Status: 404})
	})
	return mux
}

// answer is what a handler returns: a value for JSON.
type answer func(w http.ResponseWriter, r *call) (any, error)

// admin lets only admins through, and writes the answer or the error.
func (s *server) admin(h answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, ok := s.Gate.Check(r.Header)
		if !ok {
			w.Header().Set("WWW-Authenticate", `Bearer realm="weir-control"`)
			s.refuse(w, r, &api.Error{Code: "access.token", Message: "the bearer token is missing or unknown", Cure: "set WEIR_CONTROL_TOKEN or --token-file", Status: 401})
			return
		}
		if who.Role != access.Admin {
			s.refuse(w, r, &api.Error{Code: "access.role", Message: fmt.Sprintf("the token %q may only follow, as a sidecar", who.Name), Cure: "use an admin token", Status: 403})
			return
		}
		// A body that trickles in must not hold the handler; not every connection has deadlines, those without have none to set.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(requestTime))
		ctx, cancel := context.WithTimeout(r.Context(), requestTime)
		defer cancel()
		c := &call{Request: r.WithContext(ctx), author: store.Author{Name: who.Name, Claims: claims(r.Header.Get("Weir-Actor")), Reason: r.URL.Query().Get("reason")}}
		err := api.CheckReason(c.author.Reason)
		var v any
		if err == nil {
			v, err = h(w, c)
		}
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		if v != nil {
			s.write(w, http.StatusOK, v)
		}
	}
}

// claims keeps what a caller says of itself printable and short.
func claims(text string) string {
	if len(text) > maxClaimsBytes {
		text = text[:maxClaimsBytes]
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, text)
}

func (s *server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var known *api.Error
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &known):
	case errors.As(err, &tooLong):
		known = &api.Error{Code: "http.size", Message: fmt.Sprintf("the body is longer than %d bytes", tooLong.Limit), Cure: "send less", Status: 413}
	default:
		s.Logger.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
		known = &api.Error{Code: "store.failed", Message: "the store did not answer: " + err.Error(), Cure: "see weir-control's log", Status: 503}
	}
	s.write(w, known.Status, map[string]*api.Error{"error": known})
}

func (s *server) write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.Logger.Debug("answer not written", "error", err) // the caller went away
	}
}

// number reads a query parameter; absent is the value given.
func number(r *call, name string, absent uint64) (uint64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return absent, nil
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, &api.Error{Code: "http.query", Message: fmt.Sprintf("%s=%q is not a whole number", name, text), Cure: "correct it or leave it out", Status: 400}
	}
	return n, nil
}

func limit(r *call) (int, error) {
	n, err := number(r, "limit", defaultLimit)
	return int(min(max(n, 1), maxLimit)), err
}
