package main

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// imageResident is how many KiB of mappings without the right to write the process has of its executable.
func imageResident(t *testing.T) (kib int) {
	t.Helper()
	image, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	counts := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		if fields := strings.Fields(line); len(fields) >= 5 && strings.Contains(fields[0], "-") {
			_, _, counts = imageRange(line, image)
		} else if rss, ok := strings.CutPrefix(line, "Rss:"); ok && counts {
			n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rss), " kB"))
			if err != nil {
				t.Fatal(err)
			}
			kib += n
		}
	}
	return kib
}

func TestTheStartIsForgotten(t *testing.T) {
	before := imageResident(t)
	if err := forgetImage(); err != nil {
		t.Fatal(err)
	}
	after := imageResident(t)
	t.Logf("%d KiB of the image resident, %d after", before, after)
	if before == 0 || after > before/2 {
		t.Errorf("%d KiB of the image are resident, there were %d", after, before)
	}
}

// What was written to a mapping before it was sealed is nowhere else: so it is with what the dynamic linker fills in.
func TestWhatTheFileDoesNotHaveIsKept(t *testing.T) {
	image, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer image.Close()
	sealed, err := unix.Mmap(int(image.Fd()), 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(sealed) }()
	sealed[0]++
	want := sealed[0]
	if err := unix.Mprotect(sealed, unix.PROT_READ); err != nil {
		t.Fatal(err)
	}
	if err := forgetImage(); err != nil {
		t.Fatal(err)
	}
	if sealed[0] != want {
		t.Errorf("%#x was written, %#x is there", want, sealed[0])
	}
}

func TestImageRange(t *testing.T) {
	for line, want := range map[string]bool{
		"00400000-00e1c000 r-xp 00000000 fe:00 123                                /opt/bin/weir":     true,
		"00e1c000-018b9000 r--p 00a1c000 fe:00 123                                /opt/bin/weir":     true,
		"018b9000-01950000 rw-p 014b9000 fe:00 123                                /opt/bin/weir":     false, // written to: there is no second copy
		"00400000-00e1c000 r-xs 00000000 fe:00 123                                /opt/bin/weir":     false,
		"00400000-00e1c000 r-xp 00000000 fe:00 123                                /opt/bin/weir-two": false,
		"3e2863800000-3e2864800000 rw-p 00000000 00:00 0":                                            false,
		"zz-018b9000 r--p 00a1c000 fe:00 123                                /opt/bin/weir":           false,
		"": false,
	} {
		start, end, ok := imageRange(line, "/opt/bin/weir")
		if ok != want || ok && start >= end {
			t.Errorf("%q: %x-%x %v", line, start, end, ok)
		}
	}
	if _, _, ok := imageRange("00400000-00e1c000 r-xp 00000000 fe:00 123 /opt/my bin/weir (deleted)", "/opt/my bin/weir (deleted)"); !ok {
		t.Error("a path with spaces, of a file that was replaced, is not found")
	}
}
