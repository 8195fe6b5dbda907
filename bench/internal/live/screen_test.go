package live

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// terminal understands what a Screen writes: its rows after each write.
type terminal struct {
	t     *testing.T
	width int
	rows  []string
	at    int // row of the cursor
	wrote int
}

func (m *terminal) Write(p []byte) (int, error) {
	m.wrote++
	s := string(p)
	for s != "" {
		switch {
		case strings.HasPrefix(s, "\x1b["):
			end := strings.IndexAny(s[2:], "AJKhlm") + 2
			switch s[end] {
			case 'A':
				n := 0
				for _, d := range s[2:end] {
					n = 10*n + int(d-'0')
				}
				if m.at -= n; m.at < 0 {
					m.t.Fatalf("the cursor leaves the screen by %d rows", -m.at)
				}
			case 'J':
				m.rows = m.rows[:m.at]
			}
			s = s[end+1:]
		case s[0] == '\r':
			s = s[1:]
		default:
			line, rest, _ := strings.Cut(s, "\n")
			s = rest
			line = strings.NewReplacer("\x1b[K", "", "\x1b[1m", "", "\x1b[0m", "").Replace(line)
			m.rows = append(m.rows[:min(m.at, len(m.rows))], append([]string{line}, m.rows[min(m.at+1, len(m.rows)):]...)...)
			m.at++
		}
	}
	return len(p), nil
}

func TestFramesReplaceEachOtherBelowTheLines(t *testing.T) {
	m := &terminal{t: t, width: 40}
	s := New(m, func() int { return m.width })
	s.Show("one", "two", "three")
	s.Say("a line")
	s.Show("four", "five")
	s.Say("another\nand one more")
	if got := strings.Join(m.rows, "|"); got != "a line|another|and one more|four|five" {
		t.Errorf("%q", got)
	}
	if m.wrote != 4 {
		t.Errorf("%d writes for 4 changes: a frame must appear in one", m.wrote)
	}
	s.Clear()
	s.Say("last")
	if got := strings.Join(m.rows, "|"); got != "a line|another|and one more|last" {
		t.Errorf("%q", got)
	}
	s.Show("kept")
	s.Keep()
	s.Say("below")
	if got := strings.Join(m.rows[4:], "|"); got != "kept|below" {
		t.Errorf("%q", got)
	}
}

func TestLinesFitAndANarrowerTerminalIsCleaned(t *testing.T) {
	var out bytes.Buffer
	width := 60
	s := New(&out, func() int { return width })
	s.Show(strings.Repeat("x", 100), strings.Repeat("é", 59))
	for line := range strings.Lines(out.String()) {
		line = strings.NewReplacer("\x1b[?2026h", "", "\x1b[K", "", "\x1b[1m", "", "\x1b[0m", "", "\x1b[J", "", "\x1b[?2026l", "", "\n", "").Replace(line)
		if n := utf8.RuneCountInString(line); n >= width {
			t.Errorf("%d characters in %d columns", n, width)
		}
	}
	out.Reset()
	width = 30 // each of the two lines of 59 takes two rows now
	s.Show("y")
	if !strings.Contains(out.String(), "\x1b[4A\r") {
		t.Errorf("%q", out.String())
	}
}

func TestWithoutTerminalThereAreOnlyLines(t *testing.T) {
	var out bytes.Buffer
	s := New(&out, nil)
	s.Show("frame")
	s.Say("line %d", 1)
	s.Clear()
	if out.String() != "line 1\n" || s.Terminal() {
		t.Errorf("%q", out.String())
	}
}

func TestSparkBarCut(t *testing.T) {
	for got, want := range map[string]string{
		Spark([]float64{0, 4, 8}): "▁▅█", Spark([]float64{0, 0}): "▁▁", Spark(nil): "",
		Bar(0.5, 4): "██░░", Bar(2, 2): "██", Bar(-1, 2): "░░",
		Cut("abcd", 4): "abcd", Cut("abcde", 4): "abc…", Cut("ab", 0): "…",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
