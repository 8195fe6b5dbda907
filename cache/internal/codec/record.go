package codec

import "encoding/binary"

// sealedField is the one field of a sealed record.
const sealedField = "e"

// SealFields seals the fields of a record of the log, so that Redis sees neither names nor prefixes. Without a key they stay as they are.
// A process that cannot open a record takes it to name everything.
func (c *Codec) SealFields(fields []string) []string {
	if len(c.keys) == 0 {
		return fields
	}
	by := c.keys[0]
	size := 1 + len(by.id) + nonceSize + tagSize
	for _, f := range fields {
		size += len(f) + binary.MaxVarintLen32
	}
	dst := append(make([]byte, 0, size), byte(len(by.id)))
	dst = appendNonce(append(dst, by.id...))
	text := len(dst)
	for _, f := range fields {
		dst = append(binary.AppendUvarint(dst, uint64(len(f))), f...)
	}
	out, err := by.log.seal(dst[:text], dst[text-nonceSize:text], dst[text:], c.recordExtra(by.id))
	if err != nil { // cannot be: the sizes of keys are checked. Everything is named rather than nothing.
		return []string{"a", "1"}
	}
	return []string{sealedField, string(out)}
}

func (c *Codec) recordExtra(id string) []byte {
	return []byte("weir record\x00" + id + "\x00" + c.cfg.Namespace)
}

// OpenFields returns the fields of a record. ok is false when it is sealed and cannot be opened.
func (c *Codec) OpenFields(fields []string) (list []string, ok bool) {
	if len(fields) != 2 || fields[0] != sealedField {
		return fields, true
	}
	v := []byte(fields[1])
	if len(v) < 1 || len(v) < 1+int(v[0])+nonceSize {
		return fields, false
	}
	id, rest := string(v[1:1+int(v[0])]), v[1+int(v[0]):]
	by := c.keys.find(id)
	if by == nil {
		return fields, false
	}
	text, err := by.log.open(nil, rest[:nonceSize], rest[nonceSize:], c.recordExtra(id))
	if err != nil {
		return fields, false
	}
	for len(text) > 0 {
		n, w := binary.Uvarint(text)
		if w <= 0 || n > uint64(len(text)-w) {
			return fields, false
		}
		list = append(list, string(text[w:w+int(n)]))
		text = text[w+int(n):]
	}
	return list, true
}
