package workload

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a workload file, with its place and its cure.
type Problem struct {
	File         string
	Line, Column int // 0: the file as a whole
	Path         string
	Message      string
}

// String returns file:line:column: path: message.
func (p Problem) String() string {
	s := p.File + ": "
	if p.Line > 0 {
		s = fmt.Sprintf("%s:%d:%d: ", p.File, p.Line, p.Column)
	}
	if p.Path != "" {
		s += p.Path + ": "
	}
	return s + p.Message
}

// Problems are everything that is wrong with a workload file, in the order of the file.
type Problems []Problem

// maxShown bounds what an error prints.
const maxShown = 50

// Error returns one problem a line.
func (ps Problems) Error() string {
	var lines []string
	for i, p := range ps {
		if i == maxShown {
			lines = append(lines, fmt.Sprintf("and %d more", len(ps)-i))
			break
		}
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}

// source is the file that is read, with what is wrong in it.
type source struct {
	name     string
	lines    [][]byte
	problems Problems
}

// badf adds a problem at a node; nil is the file as a whole.
func (s *source) badf(n *node, path, format string, args ...any) {
	p := Problem{File: s.name, Path: path, Message: fmt.Sprintf(format, args...)}
	if n != nil {
		p.Line, p.Column = n.line, n.column
	}
	s.problems = append(s.problems, p)
}

func (s *source) err() error {
	if len(s.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(s.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message))
	})
	s.problems = slices.Compact(s.problems) // a text that is used in several forms is compiled in each
	return s.problems
}

// meant proposes the value that was meant behind a list of those there are.
func meant(value string, list []string) string {
	if proposal := nearest(value, list); strings.HasPrefix(proposal, "did") {
		return strings.Join(list, ", ") + "; " + proposal
	}
	return strings.Join(list, ", ")
}

// follows reports whether a problem of compiling only follows from one of decoding: what was not understood there is missing here.
func (p Problem) follows(from Problem) bool {
	if p.Path == from.Path || strings.HasPrefix(p.Path, from.Path+".") || strings.HasPrefix(p.Path, from.Path+"[") {
		return true
	}
	parent := from.Path[:max(0, strings.LastIndexAny(from.Path, ".["))]
	if parent == "" {
		return p.Path == "operations" || strings.Contains(p.Message, "there is no variable")
	}
	missing := strings.HasPrefix(p.Message, "is missing") || strings.HasPrefix(p.Message, "the document needs")
	return p.Path == parent || missing && !strings.HasSuffix(from.Path, "]") && strings.HasPrefix(p.Path, parent+".")
}

// nearest proposes the name that was meant, or lists what there is.
func nearest(name string, names []string) string {
	best, least := "", max(2, len(name)/3)+1
	for _, n := range names {
		if d := distance(strings.ToLower(name), strings.ToLower(n)); d < least {
			best, least = n, d
		}
	}
	switch {
	case best != "":
		return "did you mean " + best + "?"
	case len(names) == 0:
		return "there are none"
	case len(names) == 1:
		return "there is only " + names[0]
	case len(names) > 20:
		return fmt.Sprintf("there are %s and %d more", strings.Join(names[:20], ", "), len(names)-20)
	}
	return "there are " + strings.Join(names, ", ")
}

// distance is the Levenshtein distance; long names are far from everything.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := before
			if a[i] != b[j] {
				d = 1 + min(before, row[j], row[j+1])
			}
			before, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}
