package result

import (
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Here describes the machine it runs on. What the system does not tell stays empty.
func Here() Machine {
	m := Machine{CPUs: runtime.NumCPU(), Go: strings.TrimPrefix(runtime.Version(), "go")}
	if raw, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		m.CPU = cpuModel(string(raw))
	}
	if m.CPU == "" {
		m.CPU = runtime.GOARCH
	}
	if raw, err := os.ReadFile("/proc/meminfo"); err == nil {
		m.MemoryBytes = memoryBytes(string(raw))
	}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		m.Kernel = unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
	}
	return m
}

// cpuModel finds the processor's name as x86, ARM, POWER and RISC-V kernels spell it.
func cpuModel(cpuinfo string) string {
	for _, key := range []string{"model name", "Model", "cpu model", "cpu", "uarch", "Hardware"} {
		if v := field(cpuinfo, key); v != "" {
			return strings.Join(strings.Fields(v), " ")
		}
	}
	if part := field(cpuinfo, "CPU part"); part != "" {
		return "ARM implementer " + field(cpuinfo, "CPU implementer") + " part " + part
	}
	return ""
}

func memoryBytes(meminfo string) int64 {
	kib, err := strconv.ParseInt(strings.TrimSuffix(field(meminfo, "MemTotal"), " kB"), 10, 64)
	if err != nil || kib < 0 || kib > 1<<50 {
		return 0
	}
	return kib << 10
}

// field returns the first value of "key : value" lines.
func field(text, key string) string {
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
