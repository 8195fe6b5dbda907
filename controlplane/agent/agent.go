package agent

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/weirproxy/weir/controlplane/api"
)

// Kinds of command; what they take is documented in package api.
const (
	KindServeStale       = api.KindServeStale
	KindDisableOperation = api.KindDisableOperation
	KindRateLimit        = api.KindRateLimit
	KindSetTTL           = api.KindSetTTL
	KindBypassCache      = api.KindBypassCache
	KindInvalidate       = api.KindInvalidate
)

// MaxLifetime bounds how long any command is obeyed, whatever the server says.
const MaxLifetime = api.MaxTTL

// SplitList reads a list parameter of a command, such as tags of invalidate: by commas, \, is a comma inside an item.
func SplitList(s string) []string { return api.SplitList(s) }

// Config says whom to follow and what to do. URL and Apply are needed; the rest has usable zero values.
type Config struct {
	URL      string // http://HOST:PORT of weir-control (HTTP/2 without TLS), or https://
	Token    string // bearer token of a sidecar
	StateDir string // folder for last-known-good state, made when missing; empty: nothing is kept
	Identity Identity
	// Apply validates, compiles and puts a configuration in force. An error is reported to the server with its text and the configuration before serves on.
	Apply func(ctx context.Context, s Snapshot) error
	// Commands gets the complete set of leases active now, on every change and on every expiry, sorted by generation. Nil: commands are refused.
	Commands  func([]Command)
	Logger    *slog.Logger      // nil: nothing is logged
	PublicKey ed25519.PublicKey // when set, a configuration without this key's signature is refused, from the stream and from disk
}

// Identity names this sidecar to people and decides which configuration and commands it gets.
type Identity struct {
	Service, Instance, Environment, Version string
	Labels                                  map[string]string
}

// Snapshot is a whole configuration.
type Snapshot struct {
	Version uint64
	Hash    string // SHA-256 of Config, hex, verified
	Config  []byte // YAML policy document
	Source  string // SourceStream or SourceDisk
}

// Where a snapshot came from.
const (
	SourceStream = "stream"
	SourceDisk   = "disk"
)

// Command is a lease: it holds from NotBefore until Expires, both on this process's clock. ID and Generation identify it: obey invalidate once for each.
type Command struct {
	ID         string
	Generation uint64
	Kind       string
	Operation  string // empty: all operations
	Params     map[string]string
	NotBefore  time.Time
	Expires    time.Time
	Observe    bool // say what would be done, do nothing
	Reason     string
}

// Status is the agent's state, a copy.
type Status struct {
	Connected   bool
	Version     uint64 // configuration in force, 0 for none
	Hash        string
	Source      string        // where it came from
	LKGAge      time.Duration // how long the server could not confirm the configuration in force: 0 while connected; from disk it counts since it was saved
	LastNack    string        // newest refusal: version and reason; empty when a newer version was applied since
	NackVersion uint64
	Commands    int      // active now
	Refused     []string // ids of commands that are not obeyed, with reason
	Connects    uint64   // streams opened since start
	LastError   string   // why the last stream ended or could not be opened; empty while connected
	DiskError   string   // why state could not be kept the last time it was tried
}

// validate names the first thing that is wrong.
func (c *Config) validate() error {
	if c.Apply == nil {
		return errors.New("agent: Config.Apply is missing")
	}
	if err := api.CheckService(c.Identity.Service); err != nil {
		return fmt.Errorf("agent: %w", err)
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("agent: control plane URL %q: write http://HOST:PORT or https://HOST:PORT", c.URL)
	}
	if n := len(c.PublicKey); n != 0 && n != ed25519.PublicKeySize {
		return fmt.Errorf("agent: the public key has %d bytes, an Ed25519 key has %d", n, ed25519.PublicKeySize)
	}
	return nil
}
