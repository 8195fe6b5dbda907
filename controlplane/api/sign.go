package api

import (
	"crypto/ed25519"
	"encoding/binary"
	"errors"
)

// signedAs separates these signatures from any other use of the same key.
const signedAs = "weir.v1.snapshot"

// ErrSignature says that a snapshot does not carry the signature of the expected key.
var ErrSignature = errors.New("the snapshot is not signed by the expected key")

// SnapshotBytes are the canonical bytes of a snapshot, those that are signed: a purpose, the version, the scope and the hash of the document, each
// length-prefixed. The hash stands for the document, so a reader compares it with the document first.
func SnapshotBytes(version uint64, scope, hash string) []byte {
	b := make([]byte, 0, len(signedAs)+len(scope)+len(hash)+24)
	b = appendString(b, signedAs)
	b = binary.BigEndian.AppendUint64(b, version)
	b = appendString(b, scope)
	return appendString(b, hash)
}

func appendString(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}

// SignSnapshot signs the canonical bytes with an Ed25519 key (RFC 8032).
func SignSnapshot(key ed25519.PrivateKey, version uint64, scope, hash string) []byte {
	return ed25519.Sign(key, SnapshotBytes(version, scope, hash))
}

// VerifySnapshot checks the signature; the error is ErrSignature.
func VerifySnapshot(key ed25519.PublicKey, version uint64, scope, hash string, signature []byte) error {
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, SnapshotBytes(version, scope, hash), signature) {
		return ErrSignature
	}
	return nil
}
