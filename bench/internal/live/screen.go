package live

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"
)

const minWidth = 20

// Screen is a frame at the bottom of a terminal. It is safe for concurrent use.
type Screen struct {
	mu    sync.Mutex
	out   io.Writer
	width func() int // nil: no terminal
	frame []string   // as given
	drawn []int      // characters of each line on the screen
}

// New makes a screen; width is asked at each drawing, nil means that out is no terminal.
func New(out io.Writer, width func() int) *Screen { return &Screen{out: out, width: width} }

// Terminal reports whether frames are shown.
func (s *Screen) Terminal() bool { return s.width != nil }

// Say prints lines above the frame.
func (s *Screen) Say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.update(fmt.Sprintf(format, args...), s.frame)
}

// Show replaces the frame; without a terminal it does nothing.
func (s *Screen) Show(lines ...string) {
	if s.width == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.update("", lines)
}

// Clear takes the frame away.
func (s *Screen) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.drawn) > 0 {
		s.update("", nil)
	}
}

// Keep leaves the frame where it is; the next one is drawn below it.
func (s *Screen) Keep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frame, s.drawn = nil, nil
}

// update writes everything with one call and overwrites line by line instead of erasing first, so that nothing flickers; terminals that know synchronized
// output (mode 2026) show it as one step, the others ignore the sequence.
func (s *Screen) update(text string, frame []string) {
	if s.width == nil {
		fmt.Fprintln(s.out, text)
		return
	}
	width := max(s.width(), minWidth)
	var b strings.Builder
	b.WriteString("\x1b[?2026h")
	if rows := s.rows(width); rows > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\r", rows)
	}
	if text != "" {
		for line := range strings.SplitSeq(text, "\n") {
			b.WriteString(line + "\x1b[K\n")
		}
	}
	s.frame, s.drawn = frame, s.drawn[:0]
	for i, line := range frame {
		line = Cut(line, width-1)
		s.drawn = append(s.drawn, utf8.RuneCountInString(line))
		if i == 0 {
			line = "\x1b[1m" + line + "\x1b[0m"
		}
		b.WriteString(line + "\x1b[K\n")
	}
	b.WriteString("\x1b[J\x1b[?2026l")
	fmt.Fprint(s.out, b.String())
}

// rows is how many rows the frame takes on a terminal that may have become narrower since it was drawn.
func (s *Screen) rows(width int) (n int) {
	for _, characters := range s.drawn {
		n += max(1, (characters+width-1)/width)
	}
	return n
}

// Cut shortens a line to so many characters, each one column wide.
func Cut(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:max(0, width-1)]) + "…"
}

// Spark draws values as bars from 0 to the highest of them.
func Spark(values []float64) string {
	bars := []rune("▁▂▃▄▅▆▇█")
	var top float64
	for _, v := range values {
		top = max(top, v)
	}
	out := make([]rune, len(values))
	for i, v := range values {
		out[i] = bars[0]
		if top > 0 && v > 0 {
			out[i] = bars[min(len(bars)-1, int(v/top*float64(len(bars))))]
		}
	}
	return string(out)
}

// Bar is a bar of so many characters, filled to a share 0..1.
func Bar(share float64, width int) string {
	full := int(min(max(share, 0), 1) * float64(width))
	return strings.Repeat("█", full) + strings.Repeat("░", width-full)
}
