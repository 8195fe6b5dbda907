package result

import (
	"runtime"
	"strings"
	"testing"
)

func TestHere(t *testing.T) {
	m := Here()
	if m.CPU == "" || m.CPUs != runtime.NumCPU() || m.MemoryBytes < 1<<20 || !strings.HasPrefix(m.Kernel, "Linux ") || m.Go == "" {
		t.Errorf("%+v", m)
	}
}

func TestProcessorNames(t *testing.T) {
	for want, text := range map[string]string{
		"AMD EPYC 7B13":                   "processor\t: 0\nmodel name\t: AMD  EPYC   7B13\nmodel\t\t: 1\n",
		"ARM implementer 0x41 part 0xd0c": "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n",
		"Raspberry Pi 4 Model B Rev 1.4":  "CPU part\t: 0xd08\nModel\t: Raspberry Pi 4 Model B Rev 1.4\n",
		"POWER9, altivec supported":       "cpu\t\t: POWER9, altivec supported\n",
		"":                                "nothing here\n",
	} {
		if got := cpuModel(text); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := memoryBytes("MemTotal:       25165824 kB\nMemFree: 1 kB\n"); got != 24<<30 {
		t.Error(got)
	}
	if got := memoryBytes("MemTotal: lots"); got != 0 {
		t.Error(got)
	}
}
