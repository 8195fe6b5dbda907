package planner

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/weirproxy/weir/planner/internal/jsoracle"
)

// messages returns what graphql-js finds wrong with each of the documents.
func messages(t *testing.T, sdl string, documents []string) [][]string {
	t.Helper()
	return jsoracle.Run[string, []string](t, "validate", map[string]string{"sdl": sdl}, documents)
}

// worldSDL returns the schema the tests share.
func worldSDL(t testing.TB) string {
	t.Helper()
	sdl, err := os.ReadFile(filepath.Join("testdata", "world.graphql"))
	if err != nil {
		t.Fatal(err)
	}
	return string(sdl)
}

func world(t testing.TB) *Schema {
	t.Helper()
	s, err := ParseSchema("world.graphql", worldSDL(t))
	if err != nil {
		t.Fatal(err)
	}
	return s
}
