package agent

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestFrameIsReadBack(t *testing.T) {
	for _, payload := range [][]byte{nil, []byte("x"), bytes.Repeat([]byte("weir"), 10_000)} {
		got, err := parseFrame(appendFrame(nil, payload))
		if err != nil || !bytes.Equal(got, payload) {
			t.Fatalf("payload of %d bytes: got %d bytes, %v", len(payload), len(got), err)
		}
	}
}

func TestFrameDamagedAtAnyByteIsRefused(t *testing.T) {
	good := appendFrame(nil, []byte("the last configuration known to be good"))
	for i := range good {
		for _, flip := range []byte{1, 0x80, 0xff} {
			bad := bytes.Clone(good)
			bad[i] ^= flip
			if _, err := parseFrame(bad); !errors.Is(err, errDamaged) {
				t.Fatalf("byte %d flipped by %#x: %v", i, flip, err)
			}
		}
		if _, err := parseFrame(good[:i]); !errors.Is(err, errDamaged) {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
	if _, err := parseFrame(append(bytes.Clone(good), 0)); !errors.Is(err, errDamaged) {
		t.Fatalf("one byte more: %v", err)
	}
}

func TestWriteFrameReplacesAndKeepsTheOneBefore(t *testing.T) {
	dir := t.TempDir()
	path, old := filepath.Join(dir, "f"), filepath.Join(dir, "f.old")
	for _, payload := range []string{"one", "two", "three"} {
		if err := writeFrame(path, old, []byte(payload)); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{path: "three", old: "two"} {
		got, err := readFrame(name)
		if err != nil || string(got) != want {
			t.Fatalf("%s: %q, %v; want %q", name, got, err, want)
		}
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("%s: mode %v, %v", name, info.Mode(), err)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Fatalf("%d files are left, %v", len(left), err)
	}
}

func TestReadFrameIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, make([]byte, maxFileBytes+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readFrame(path); !errors.Is(err, errDamaged) {
		t.Fatalf("got %v", err)
	}
}

// FuzzFrame: whatever is accepted is exactly what would be written.
func FuzzFrame(f *testing.F) {
	f.Add(appendFrame(nil, nil))
	f.Add(appendFrame(nil, []byte("payload")))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		payload, err := parseFrame(b)
		if err != nil {
			return
		}
		if !bytes.Equal(appendFrame(nil, payload), b) {
			t.Fatal("accepted bytes that it would not write")
		}
	})
}
