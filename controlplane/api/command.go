package api

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Kinds of command.
const (
	KindServeStale       = "serve_stale"       // answer from stale entries without asking the upstream
	KindDisableOperation = "disable_operation" // refuse an operation
	KindRateLimit        = "rate_limit"        // params per_second, burst
	KindSetTTL           = "set_ttl"           // param ttl
	KindBypassCache      = "bypass_cache"      // neither read nor fill the cache
	KindInvalidate       = "invalidate"        // params tags, types, prefixes, patterns, operations, tenants (see SplitList), soft; or all and confirm; obeyed once per sidecar
)

// Bounds of a command.
const (
	DefaultTTL      = 5 * time.Minute
	MinTTL          = time.Second
	MaxTTL          = time.Hour
	MaxCacheTTL     = 30 * 24 * time.Hour // of set_ttl
	MaxRate         = 1e9                 // of rate_limit, requests per second and burst
	MaxNameBytes    = 256                 // of a service and an operation
	MaxReasonBytes  = 1024
	MaxParamBytes   = 16 << 10
	MaxListItems    = 1000
	MaxListItemSize = 512 // no tag is longer
	MaxPatterns     = 256 // prefixes and patterns of invalidate: every entry is compared with each of them
	MaxOperation    = 200 // bytes of an operation that entries are tagged with; those of a longer one go by its hash
)

// CommandSpec is what an operator asks for.
type CommandSpec struct {
	Kind      string            `json:"kind"`
	Operation string            `json:"operation,omitempty"` // name of the operation, empty for all
	Service   string            `json:"service,omitempty"`   // service whose sidecars obey, empty for all
	Params    map[string]string `json:"params,omitempty"`
	TTL       string            `json:"ttl,omitempty"`     // Go duration; empty means DefaultTTL
	Observe   bool              `json:"observe,omitempty"` // report what would be done, do nothing
	Reason    string            `json:"reason,omitempty"`
}

// Command is a command as the server keeps it.
type Command struct {
	ID         string            `json:"id"`
	Generation uint64            `json:"generation"`
	Kind       string            `json:"kind"`
	Operation  string            `json:"operation,omitempty"`
	Service    string            `json:"service,omitempty"`
	Params     map[string]string `json:"params,omitempty"`
	Observe    bool              `json:"observe,omitempty"`
	Reason     string            `json:"reason,omitempty"`
	Issued     time.Time         `json:"issued"`
	IssuedBy   string            `json:"issued_by"`
	NotBefore  time.Time         `json:"not_before"`
	Expires    time.Time         `json:"expires"`
	Accepted   int               `json:"accepted"`          // connected sidecars that said they took it
	Refused    int               `json:"refused"`           // connected sidecars that said they cannot
	Revoked    bool              `json:"revoked,omitempty"` // in the answer to a revocation
}

// Kinds returns the known kinds, sorted.
func Kinds() []string {
	return []string{KindBypassCache, KindDisableOperation, KindInvalidate, KindRateLimit, KindServeStale, KindSetTTL}
}

// KnownKind tells whether this program knows the kind.
func KnownKind(kind string) bool { return slices.Contains(Kinds(), kind) }

// params that a kind takes; true means it must be there.
func paramsOf(kind string) map[string]bool {
	switch kind {
	case KindRateLimit:
		return map[string]bool{"per_second": true, "burst": false}
	case KindSetTTL:
		return map[string]bool{"ttl": true}
	case KindInvalidate:
		allowed := map[string]bool{"all": false, "confirm": false, "soft": false}
		for _, name := range listsOfInvalidate {
			allowed[name] = false
		}
		return allowed
	}
	return nil
}

// Lifetime is the lease's duration, DefaultTTL when none is asked for. The error is an *Error.
func (s *CommandSpec) Lifetime() (time.Duration, error) {
	if s.TTL == "" {
		return DefaultTTL, nil
	}
	d, err := time.ParseDuration(s.TTL)
	if err != nil {
		return 0, invalid("command.ttl", fmt.Sprintf("ttl %s is not a duration", quote(s.TTL)), "write for instance 90s or 5m")
	}
	if d < MinTTL || d > MaxTTL {
		return 0, invalid("command.ttl", fmt.Sprintf("ttl %s is outside %s to %s", d, MinTTL, MaxTTL), "a command that must hold longer belongs into the configuration")
	}
	return d, nil
}

// Validate checks everything that can be known without the server's state. The error is an *Error with a cure.
func (s *CommandSpec) Validate() error {
	if !KnownKind(s.Kind) {
		return invalid("command.kind", fmt.Sprintf("unknown kind %s", quote(s.Kind)), "use one of "+strings.Join(Kinds(), ", "))
	}
	if _, err := s.Lifetime(); err != nil {
		return err
	}
	if err := checkName("service", s.Service); err != nil {
		return err
	}
	if err := checkName("operation", s.Operation); err != nil {
		return err
	}
	if err := checkReason(s.Reason); err != nil {
		return err
	}
	switch {
	case s.Kind == KindDisableOperation && s.Operation == "":
		return invalid("command.operation", "disable_operation needs an operation", "add --operation NAME")
	case s.Kind == KindInvalidate && s.Operation != "":
		return invalid("command.operation", "invalidate takes no operation", "add --param operations=NAME")
	}
	return CheckParams(s.Kind, s.Params)
}

// CheckParams checks the parameters of a known kind; a sidecar does it once more with what it receives. The error is an *Error.
func CheckParams(kind string, params map[string]string) error {
	allowed := paramsOf(kind)
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if _, ok := allowed[name]; !ok {
			return invalid("command.params", fmt.Sprintf("%s takes no parameter %s", kind, quote(name)), cureParams(allowed))
		}
		if v := params[name]; len(v) > MaxParamBytes || !utf8.ValidString(v) {
			return invalid("command.params", fmt.Sprintf("parameter %s is longer than %d bytes or not UTF-8", name, MaxParamBytes), "split it over several commands")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(allowed)) {
		if _, ok := params[name]; allowed[name] && !ok {
			return invalid("command.params", fmt.Sprintf("%s needs the parameter %s", kind, name), "add --param "+name+"=VALUE")
		}
	}
	switch kind {
	case KindRateLimit:
		return checkRate(params)
	case KindSetTTL:
		d, err := time.ParseDuration(params["ttl"])
		if err != nil || d <= 0 || d > MaxCacheTTL {
			return invalid("command.params", fmt.Sprintf("ttl %s is not a duration above 0 and up to %s", quote(params["ttl"]), MaxCacheTTL), "write for instance --param ttl=30s")
		}
	case KindInvalidate:
		return checkInvalidate(params)
	}
	return nil
}

func checkRate(params map[string]string) error {
	rate, err := strconv.ParseFloat(params["per_second"], 64)
	if err != nil || math.IsNaN(rate) || rate <= 0 || rate > MaxRate {
		return invalid("command.params", fmt.Sprintf("per_second %s is not a number above 0", quote(params["per_second"])), "write for instance --param per_second=20; to let nothing through use disable_operation")
	}
	if text, ok := params["burst"]; ok {
		if burst, err := strconv.ParseInt(text, 10, 64); err != nil || burst < 1 || burst > MaxRate {
			return invalid("command.params", fmt.Sprintf("burst %s is not a whole number from 1", quote(text)), "write for instance --param burst=40, or leave it out")
		}
	}
	return nil
}

func cureParams(allowed map[string]bool) string {
	if len(allowed) == 0 {
		return "leave it out"
	}
	names := slices.Collect(maps.Keys(allowed))
	sort.Strings(names)
	return "it takes " + strings.Join(names, ", ")
}

func checkName(what, s string) error {
	if len(s) > MaxNameBytes {
		return invalid(what, fmt.Sprintf("%s is longer than %d bytes", what, MaxNameBytes), "shorten it")
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) || r == '/' }) {
		return invalid(what, fmt.Sprintf("%s %s has spaces, slashes or control characters", what, quote(s)), "use the plain name")
	}
	return nil
}

// CheckService checks the name of a service; empty means all services. The error is an *Error.
func CheckService(s string) error { return checkName("service", s) }

func checkReason(s string) error {
	if len(s) > MaxReasonBytes || !utf8.ValidString(s) {
		return invalid("reason", fmt.Sprintf("reason is longer than %d bytes or not UTF-8", MaxReasonBytes), "shorten it")
	}
	return nil
}

// CheckReason checks a reason given for a write. The error is an *Error.
func CheckReason(s string) error { return checkReason(s) }

// quote shows foreign text in a message, bounded.
func quote(s string) string {
	if len(s) > 64 {
		s = s[:64] + "…"
	}
	return strconv.Quote(s)
}
