package draw

import (
	"fmt"
	"strings"
	"time"
)

// Window is a stretch of time since the start of a schedule: from From to To, and again every Every when that is not 0. To 0 means without an end.
type Window struct{ From, To, Every time.Duration }

// ParseWindow reads FROM..TO, FROM.. or FROM..TO/EVERY.
func ParseWindow(s string) (Window, error) {
	bounds, every, repeats := strings.Cut(s, "/")
	from, to, ok := strings.Cut(bounds, "..")
	w := Window{}
	if !ok {
		return w, fmt.Errorf("window %q: write FROM..TO, FROM.. or FROM..TO/EVERY, for instance 10s..15s or 0s..1s/10s", s)
	}
	for _, part := range []struct {
		text string
		into *time.Duration
	}{{from, &w.From}, {to, &w.To}, {every, &w.Every}} {
		if part.text == "" {
			continue
		}
		d, err := time.ParseDuration(part.text)
		if *part.into = d; err != nil || d < 0 {
			return Window{}, fmt.Errorf("window %q: %q is no duration: write for instance 500ms, 10s or 2m", s, part.text)
		}
	}
	switch {
	case to != "" && w.To <= w.From:
		return Window{}, fmt.Errorf("window %q: it ends before it begins: write the earlier time first", s)
	case repeats && (to == "" || w.Every < w.To-w.From || w.Every <= 0):
		return Window{}, fmt.Errorf("window %q: it needs an end and a period not shorter than itself, for instance 0s..1s/10s", s)
	}
	return w, nil
}

// In tells whether the window is open at a time since the start, and when this opening ends (0: never).
func (w Window) In(at time.Duration) (open bool, end time.Duration) {
	if at < w.From {
		return false, 0
	}
	if w.To == 0 {
		return true, 0
	}
	begin := w.From
	if w.Every > 0 {
		begin += (at - w.From) / w.Every * w.Every
	}
	end = begin + w.To - w.From
	return at < end, end
}

// Next is the time of the next change after at: when the window opens or closes; false when nothing changes any more.
func (w Window) Next(at time.Duration) (time.Duration, bool) {
	switch open, end := w.In(at); {
	case at < w.From:
		return w.From, true
	case open:
		return end, end > 0
	case w.Every > 0:
		return w.From + ((at-w.From)/w.Every+1)*w.Every, true
	}
	return 0, false
}
