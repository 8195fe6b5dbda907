package report

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/weirproxy/weir/bench/internal/result"
)

// Plots writes every picture of the report as an SVG file into folder, which is made when it is missing, and returns their names.
func Plots(folder string, f, base *result.File) ([]string, error) {
	p, err := newPage(f, base)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("%s: cannot make the folder: %w; choose another place", folder, err)
	}
	var names []string
	for _, s := range p.Sections {
		for _, pic := range s.Pictures {
			id, _, _, _ := pic.head()
			name := id + ".svg"
			if err := result.WriteFile(filepath.Join(folder, name), func(w io.Writer) error { return alone(w, pic) }); err != nil {
				return names, err
			}
			names = append(names, name)
		}
	}
	return names, nil
}
