package scope

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

// Bounds of a key set (RFC 7517).
const (
	maxKeySet = 256 << 10
	maxKeys   = 100
)

var errUnknownKey = errors.New("the key is not known")

// keys are what the tokens of one issuer may be signed with. They may change: then generation does.
type keys struct {
	current    atomic.Pointer[keySet] // nil: none yet
	generation atomic.Uint64
	wanted     chan struct{} // a token names a key that is not known; nil: keys that do not change

	fetches, failures atomic.Uint64
	since             atomic.Int64 // last success, unix ns
}

// keySet is immutable.
type keySet struct {
	byID   map[string][]key
	all    []key
	digest [32]byte // of its text
}

type key struct {
	algorithm string // empty: any
	key       any
}

// find is a jwt.Keyfunc: the keys with the token's key id, or all when it has none.
func (k *keys) find(t *jwt.Token) (any, error) {
	if _, critical := t.Header["crit"]; critical { // RFC 7515, section 4.1.11: what is not understood must be refused
		return nil, errors.New("the token has a critical extension")
	}
	set := k.current.Load()
	if set == nil {
		k.want()
		return nil, errUnknownKey
	}
	candidates := set.all
	if id, given := t.Header["kid"]; given && len(set.byID) > 0 {
		name, _ := id.(string)
		if candidates = set.byID[name]; len(candidates) == 0 {
			k.want()
			return nil, errUnknownKey
		}
	}
	var usable jwt.VerificationKeySet
	for _, c := range candidates {
		if c.algorithm == "" || c.algorithm == t.Method.Alg() {
			usable.Keys = append(usable.Keys, c.key)
		}
	}
	if len(usable.Keys) == 0 {
		return nil, errors.New("the key is for another algorithm")
	}
	return usable, nil
}

// want asks for the key set to be fetched, without waiting for it.
func (k *keys) want() {
	if k.wanted == nil {
		return
	}
	select {
	case k.wanted <- struct{}{}:
	default:
	}
}

// replace puts a set in force; nil for none.
func (k *keys) replace(set *keySet) {
	old := k.current.Load()
	if old == set || old != nil && set != nil && old.digest == set.digest {
		return
	}
	k.current.Store(set)
	k.generation.Add(1)
}

// parseKeySet reads a JSON Web Key Set. Keys that cannot verify a signature here are left out: providers publish what others need, too.
func parseKeySet(text []byte) (*keySet, error) {
	if len(text) > maxKeySet {
		return nil, fmt.Errorf("the key set is larger than %d bytes", maxKeySet)
	}
	var raw struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, fmt.Errorf("it is no JSON Web Key Set: %w", err)
	}
	if len(raw.Keys) > maxKeys {
		return nil, fmt.Errorf("the key set has %d keys, the maximum is %d", len(raw.Keys), maxKeys)
	}
	set := &keySet{byID: map[string][]key{}, digest: sha256.Sum256(text)}
	for _, one := range raw.Keys {
		id, k, ok := parseKey(one)
		if !ok {
			continue
		}
		set.all = append(set.all, k)
		if id != "" {
			set.byID[id] = append(set.byID[id], k)
		}
	}
	if len(set.all) == 0 {
		return nil, errors.New("the key set holds no key that signatures can be checked with")
	}
	return set, nil
}

// parseKey reads one public key. A shared secret has no place among keys that everybody may read.
func parseKey(text json.RawMessage) (id string, k key, ok bool) {
	defer func() {
		if recover() != nil { // the library on hostile input
			ok = false
		}
	}()
	var head struct {
		ID        string `json:"kid"`
		Type      string `json:"kty"`
		Use       string `json:"use"`
		Algorithm string `json:"alg"`
	}
	if err := json.Unmarshal(text, &head); err != nil || head.Type == "oct" || head.Use != "" && head.Use != "sig" {
		return "", k, false
	}
	one, err := keyfunc.NewJWKSetJSON(fmt.Appendf(nil, `{"keys":[%s]}`, text))
	if err != nil {
		return "", k, false
	}
	parsed, err := one.VerificationKeySet(context.Background())
	if err != nil || len(parsed.Keys) != 1 {
		return "", k, false
	}
	return head.ID, key{head.Algorithm, parsed.Keys[0]}, true
}

// parsePublicKey reads a PEM file.
func parsePublicKey(file string) (*keySet, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s is no PEM file", file)
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	return fixed(public), nil
}

// fixed is a set of one key without an id.
func fixed(k any) *keySet { return &keySet{all: []key{{key: k}}} }
