package truth

import (
	"math"
	"os/exec"
	"testing"
	"time"
)

// The check of the issue on a tenth of its scale.
func TestTheGeneratorReportsWhatIsKnown(t *testing.T) {
	check := trial{cycle: Cycle{Stall: 100 * time.Millisecond, Every: time.Second}, rate: 1000, cycles: 3, closed: 4}
	table, err := latencyTable(t.Context(), check, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	known, open, closed := table.Rows[0], table.Rows[1], table.Rows[2]
	if known[3] != 90 || known[2] != 50 || known[4] != 100 {
		t.Fatalf("known: %v", known)
	}
	if open[5] != 3000 {
		t.Errorf("%.0f requests in the open loop, 3000 were due", open[5])
	}
	// 2 % on the full scale; a stall of 100 ms leaves a loaded test machine 9 ms.
	if !detector && (math.Abs(open[3]-known[3]) > 0.1*known[3] || math.Abs(open[2]-known[2]) > 0.2*known[2]) {
		t.Errorf("open loop reports p95 %.1f ms and p99 %.1f ms, known are %.1f and %.1f", open[2], open[3], known[2], known[3])
	}
	// Of p95, which bears a slow test machine: a late request in twenty would take less than a hundred a second.
	if closed[2] > known[2]/2 {
		t.Errorf("the closed loop reports p95 %.1f ms: it should hide the stall", closed[2])
	}
	if _, err := exec.LookPath("wrk"); err == nil && (len(table.Rows) != 4 || table.Rows[3][5] == 0) {
		t.Errorf("wrk: %v %s", table.Rows[3:], table.Text)
	}
}
