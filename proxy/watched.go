package proxy

import (
	"fmt"
	"os"
)

// watched is a file of the configuration that is read again when it changes.
type watched struct {
	key  string // of the configuration
	name string
	what string // it should be, for who has to cure it
	info os.FileInfo
	bad  error // what is wrong with the file since it changed last
}

// read hands the text to use when the file has changed since the last time. A file that use refuses stays an error until it changes.
func (w *watched) read(use func(text string) error) error {
	info, err := os.Stat(w.name)
	if err != nil {
		return fmt.Errorf("%s: %w; name %s", w.key, err, w.what)
	}
	if w.info != nil && info.ModTime().Equal(w.info.ModTime()) && info.Size() == w.info.Size() && os.SameFile(info, w.info) {
		return w.bad
	}
	text, err := os.ReadFile(w.name)
	if err != nil {
		return fmt.Errorf("%s: %w; name %s that this user may read", w.key, err, w.what)
	}
	w.info = info
	if w.bad = use(string(text)); w.bad != nil {
		w.bad = fmt.Errorf("%s: %w", w.key, w.bad)
	}
	return w.bad
}
