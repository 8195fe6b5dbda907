package codec

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
)

// Key seals values and records of the log.
type Key struct {
	ID     string // stands in each value; 1 to 32 bytes
	Secret []byte // 32 random bytes
}

const (
	secretSize = 32
	maxID      = 32
)

// keyring holds keys in a form for use. The first seals, all open.
type keyring []*sealer

type sealer struct {
	id     string
	values *xaes
	log    *xaes
	tenant []byte // secret of the marks that stand for tenants
}

func newKeyring(keys []Key) (keyring, error) {
	var list keyring
	for _, k := range keys {
		if k.ID == "" || len(k.ID) > maxID || list.find(k.ID) != nil {
			return nil, fmt.Errorf("encryption key %q: ids are 1 to %d bytes and differ", k.ID, maxID)
		}
		if len(k.Secret) != secretSize {
			return nil, fmt.Errorf("encryption key %q: it has %d bytes, want %d", k.ID, len(k.Secret), secretSize)
		}
		s := &sealer{id: k.ID}
		for _, use := range []struct {
			name string
			set  func([]byte) error
		}{
			{"weir cache value 1", func(b []byte) (err error) { s.values, err = newXAES(b); return err }},
			{"weir cache log 1", func(b []byte) (err error) { s.log, err = newXAES(b); return err }},
			{"weir cache tenant 1", func(b []byte) error { s.tenant = b; return nil }},
		} {
			secret, err := hkdf.Key(sha256.New, k.Secret, nil, use.name, secretSize)
			if err == nil {
				err = use.set(secret)
			}
			if err != nil {
				return nil, fmt.Errorf("encryption key %q: %w", k.ID, err)
			}
		}
		list = append(list, s)
	}
	return list, nil
}

func (r keyring) find(id string) *sealer {
	for _, s := range r {
		if s.id == id {
			return s
		}
	}
	return nil
}

// markOf stands for a tenant in the open part of a value: a keyed hash with a key, a plain hash without one.
func (s *sealer) markOf(tenant []byte) (m Mark) {
	if s == nil {
		sum := sha256.Sum256(tenant)
		copy(m[:], sum[:])
		return m
	}
	h := hmac.New(sha256.New, s.tenant)
	h.Write(tenant)
	copy(m[:], h.Sum(nil))
	return m
}

func appendNonce(dst []byte) []byte {
	n := len(dst)
	dst = append(dst, make([]byte, nonceSize)...)
	_, _ = rand.Read(dst[n:]) // never fails
	return dst
}
