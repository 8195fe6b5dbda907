package pgo

import (
	"fmt"
	"io"
	"strings"
)

const indent = 32 // columns before the names of functions

// WriteText prints what each role gave, a line for each of its functions.
func WriteText(w io.Writer, all []Summary) {
	fmt.Fprintf(w, "\n%-12s %8s %8s  %s\n", "role", "samples", "dropped", "where most of them are")
	for _, s := range all {
		fmt.Fprintf(w, "%-12s %8d %8d", s.Role, s.Samples, s.Dropped)
		for i, t := range s.Top {
			if i > 0 {
				fmt.Fprint(w, strings.Repeat(" ", indent-2))
			}
			fmt.Fprintf(w, "  %4.1f %%  %s\n", 100*t.Share, t.Function)
		}
	}
}
