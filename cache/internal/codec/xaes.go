package codec

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
)

const (
	nonceSize = 24
	tagSize   = 16
)

// xaes is XAES-256-GCM (C2SP): AES-256-GCM under a key that is derived, by CMAC in the counter mode of NIST SP 800-108, from the first half
// of a nonce of 192 bits; the second half is the nonce of GCM.
//
// That is what makes random nonces safe for a fleet. Plain AES-GCM has 96 bits of nonce: with one key, 2³² values are the bound under which
// two nonces are equal with a probability below 2⁻³², and a hundred sidecars that write a thousand values a second reach it in half a day.
// Two equal nonces would give the difference of two bodies away and let values be forged. With 192 bits the same bound is 2⁸⁰ values, so no
// sidecar needs to know of the others, and no counter has to outlive a restart.
type xaes struct {
	block cipher.Block
	sub   [aes.BlockSize]byte // CMAC's first subkey
}

// newXAES wants a key of 32 bytes.
func newXAES(key []byte) (*xaes, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	x := &xaes{block: block}
	block.Encrypt(x.sub[:], x.sub[:])
	carry := byte(0)
	for i := len(x.sub) - 1; i >= 0; i-- {
		next := x.sub[i] >> 7
		x.sub[i] = x.sub[i]<<1 | carry
		carry = next
	}
	x.sub[len(x.sub)-1] ^= byte(subtle.ConstantTimeSelect(int(carry), 0x87, 0))
	return x, nil
}

// derive returns GCM under the key of a nonce.
func (x *xaes) derive(nonce []byte) (cipher.AEAD, error) {
	var key [32]byte
	for i := range 2 {
		half := key[i*aes.BlockSize : (i+1)*aes.BlockSize]
		half[1], half[2] = byte(i+1), 'X'
		copy(half[4:], nonce[:12])
		subtle.XORBytes(half, half, x.sub[:])
		x.block.Encrypt(half, half)
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// seal appends the sealed text to dst. dst may be text[:0].
func (x *xaes) seal(dst, nonce, text, extra []byte) ([]byte, error) {
	g, err := x.derive(nonce)
	if err != nil {
		return nil, err
	}
	return g.Seal(dst, nonce[12:], text, extra), nil
}

// open appends the text to dst.
func (x *xaes) open(dst, nonce, sealed, extra []byte) ([]byte, error) {
	g, err := x.derive(nonce)
	if err != nil {
		return nil, err
	}
	return g.Open(dst, nonce[12:], sealed, extra)
}
