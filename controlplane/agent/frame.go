package agent

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// A state file is the magic, the SHA-256 of the payload, the payload. Whatever is not exactly that is damaged.
const (
	magic        = "weirlkg1"
	frameHead    = len(magic) + sha256.Size
	maxFileBytes = 4 << 20
)

var errDamaged = errors.New("the file is damaged")

// appendFrame appends the file form of a payload.
func appendFrame(dst, payload []byte) []byte {
	sum := sha256.Sum256(payload)
	dst = append(dst, magic...)
	dst = append(dst, sum[:]...)
	return append(dst, payload...)
}

// parseFrame returns the payload, which aliases b.
func parseFrame(b []byte) ([]byte, error) {
	if len(b) < frameHead || string(b[:len(magic)]) != magic {
		return nil, fmt.Errorf("%w: it does not begin as a state file of this version does", errDamaged)
	}
	payload := b[frameHead:]
	if sum := sha256.Sum256(payload); !bytes.Equal(sum[:], b[len(magic):frameHead]) {
		return nil, fmt.Errorf("%w: its checksum is wrong", errDamaged)
	}
	return payload, nil
}

// readFrame reads a state file. A missing one is fs.ErrNotExist.
func readFrame(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxFileBytes {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", errDamaged, maxFileBytes)
	}
	return parseFrame(b)
}

// writeFrame replaces a state file in one step: after a crash at any moment the file is the old one or the new one. When keep is not empty, the file
// replaced stays under that name.
func writeFrame(path, keep string, payload []byte) error {
	tmp := path + ".tmp"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(appendFrame(make([]byte, 0, frameHead+len(payload)), payload))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	if keep != "" {
		err = keepAs(path, keep) // without links the new file is still worth having
	}
	if rerr := os.Rename(tmp, path); rerr != nil {
		return errors.Join(err, rerr)
	}
	return errors.Join(err, syncDir(filepath.Dir(path)))
}

// keepAs gives the present file a second name, so that it outlives the rename over its first.
func keepAs(path, keep string) error {
	if err := os.Remove(keep); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Link(path, keep); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil // nothing to keep yet
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
