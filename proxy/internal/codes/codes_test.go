package codes

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// markdown is the table as proxy/ERRORS.md shows it.
func markdown() string {
	var b strings.Builder
	b.WriteString("| code | status | what happened | cure |\n|---|---|---|---|\n")
	for _, c := range All() {
		fmt.Fprintf(&b, "| `%s` | %d | %s | %s |\n", c, c.Status(), c.Message(), c.Cure())
	}
	return b.String()
}

func TestErrorsFileIsTheTable(t *testing.T) {
	file, err := os.ReadFile("../../ERRORS.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(file), markdown()) {
		t.Errorf("proxy/ERRORS.md differs from the table of package codes; it must hold:\n%s", markdown())
	}
}

func TestEveryCodeIsWholeAndUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range All() {
		if c.String() == "" || c.Status() < 400 || c.Message() == "" || c.Cure() == "" || seen[c.String()] {
			t.Errorf("code %d: %+v", c, c.row())
		}
		seen[c.String()] = true
	}
	if None.String() != "" || Code(200).String() != "internal" {
		t.Error("None and codes out of range")
	}
}
