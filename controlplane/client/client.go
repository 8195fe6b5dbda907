package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/weirproxy/weir/controlplane/api"
)

const (
	maxAnswerBytes = 64 << 20
	callTime       = 35 * time.Second
)

// Config says whom to call.
type Config struct {
	URL   string // http://HOST:PORT or https://
	Token string
	Actor string       // for whom, in the audit trail; unverified
	HTTP  *http.Client // nil: one with a deadline and no proxy
}

// Client calls one server.
type Client struct {
	cfg  Config
	base string
}

// New checks the URL; it calls nobody.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("server URL %q: write http://HOST:PORT or https://HOST:PORT", cfg.URL)
	}
	if cfg.HTTP == nil {
		cfg.HTTP = &http.Client{Timeout: callTime, Transport: &http.Transport{ForceAttemptHTTP2: true}}
	}
	return &Client{cfg: cfg, base: strings.TrimRight(cfg.URL, "/")}, nil
}

// Close lets idle connections go.
func (c *Client) Close() { c.cfg.HTTP.CloseIdleConnections() }

// ApplyOptions refine Apply.
type ApplyOptions struct {
	Service   string  // empty: all services
	IfVersion *uint64 // only when this is the scope's current version; 0: only when there is none
	Version   uint64  // wanted version, 0 for the next
	DryRun    bool
	Reason    string
}

// Apply stores a document.
func (c *Client) Apply(ctx context.Context, config []byte, o ApplyOptions) (doc api.Document, err error) {
	q := url.Values{}
	set(q, "service", o.Service)
	set(q, "reason", o.Reason)
	if o.IfVersion != nil {
		q.Set("if_version", strconv.FormatUint(*o.IfVersion, 10))
	}
	if o.Version > 0 {
		q.Set("version", strconv.FormatUint(o.Version, 10))
	}
	if o.DryRun {
		q.Set("dry_run", "true")
	}
	err = c.call(ctx, http.MethodPut, "/v1/config", q, config, &doc)
	return doc, err
}

// Config returns a document with its content; version 0 is the newest.
func (c *Client) Config(ctx context.Context, service string, version uint64) (doc api.Document, err error) {
	q := url.Values{}
	set(q, "service", service)
	if version > 0 {
		q.Set("version", strconv.FormatUint(version, 10))
	}
	err = c.call(ctx, http.MethodGet, "/v1/config", q, nil, &doc)
	return doc, err
}

// Versions lists documents without content, newest first; an empty service lists all scopes.
func (c *Client) Versions(ctx context.Context, service string, limit int) ([]api.Document, error) {
	q := url.Values{}
	set(q, "service", service)
	q.Set("limit", strconv.Itoa(limit))
	var out struct{ Versions []api.Document }
	err := c.call(ctx, http.MethodGet, "/v1/versions", q, nil, &out)
	return out.Versions, err
}

// Sidecars lists what the server knows of sidecars.
func (c *Client) Sidecars(ctx context.Context) ([]api.Sidecar, error) {
	var out struct{ Sidecars []api.Sidecar }
	err := c.call(ctx, http.MethodGet, "/v1/sidecars", nil, nil, &out)
	return out.Sidecars, err
}

// Commands lists the commands in force.
func (c *Client) Commands(ctx context.Context) ([]api.Command, error) {
	var out struct{ Commands []api.Command }
	err := c.call(ctx, http.MethodGet, "/v1/commands", nil, nil, &out)
	return out.Commands, err
}

// Command issues a command.
func (c *Client) Command(ctx context.Context, spec api.CommandSpec) (out api.Command, err error) {
	body, err := json.Marshal(spec)
	if err != nil {
		return out, err
	}
	err = c.call(ctx, http.MethodPost, "/v1/commands", nil, body, &out)
	return out, err
}

// Revoke ends a command before its time.
func (c *Client) Revoke(ctx context.Context, id, reason string) (out api.Command, err error) {
	q := url.Values{}
	set(q, "reason", reason)
	err = c.call(ctx, http.MethodDelete, "/v1/commands/"+url.PathEscape(id), q, nil, &out)
	return out, err
}

// Audit lists the newest writes first.
func (c *Client) Audit(ctx context.Context, limit int) ([]api.AuditEntry, error) {
	var out struct{ Audit []api.AuditEntry }
	err := c.call(ctx, http.MethodGet, "/v1/audit", url.Values{"limit": {strconv.Itoa(limit)}}, nil, &out)
	return out.Audit, err
}

func set(q url.Values, name, value string) {
	if value != "" {
		q.Set(name, value)
	}
}

func (c *Client) call(ctx context.Context, method, path string, q url.Values, body []byte, into any) error {
	target := c.base + path
	if len(q) > 0 {
		target += "?" + q.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+c.cfg.Token)
	r.Header.Set("Accept", "application/json")
	if c.cfg.Actor != "" {
		r.Header.Set("Weir-Actor", c.cfg.Actor)
	}
	resp, err := c.cfg.HTTP.Do(r)
	if err != nil {
		return fmt.Errorf("weir-control at %s cannot be reached: %w", c.base, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes))
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", c.base, err)
	}
	if resp.StatusCode != http.StatusOK {
		return refusal(c.base, resp.StatusCode, answer)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("%s does not answer as weir-control does: %w", c.base, err)
	}
	return nil
}

// refusal reads the server's error; what is not one was not said by weir-control.
func refusal(base string, status int, answer []byte) error {
	var said struct{ Error *api.Error }
	if json.Unmarshal(answer, &said) != nil || said.Error == nil {
		return fmt.Errorf("%s answered with status %d, not as weir-control does: is the URL right?", base, status)
	}
	said.Error.Status = status
	return said.Error
}
