package codec

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// The vectors are those of the specification, c2sp.org/XAES-256-GCM.
func TestXAESVectors(t *testing.T) {
	for _, v := range []struct {
		key   byte
		extra string
		want  string
	}{
		{0x01, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"},
		{0x03, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"},
	} {
		x, err := newXAES(bytes.Repeat([]byte{v.key}, 32))
		if err != nil {
			t.Fatal(err)
		}
		nonce := []byte("ABCDEFGHIJKLMNOPQRSTUVWX")
		got, err := x.seal(nil, nonce, []byte("XAES-256-GCM"), []byte(v.extra))
		if err != nil || hex.EncodeToString(got) != v.want {
			t.Errorf("%x, want %s (%v)", got, v.want, err)
		}
		text, err := x.open(nil, nonce, got, []byte(v.extra))
		if err != nil || string(text) != "XAES-256-GCM" {
			t.Errorf("%q %v", text, err)
		}
	}
}
