package planner

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// verdicts is what graphql-js says of a set of documents and introspection queries.
type verdicts struct {
	Version       string            `json:"version"`
	Documents     [][]string        `json:"documents"` // nil: valid
	Introspection []json.RawMessage `json:"introspection"`
}

// oracle runs graphql-js.
func oracle(t *testing.T, sdl string, documents, introspection []string) verdicts {
	t.Helper()
	dir := filepath.Join("testdata", "graphqljs")
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("the differential tests against graphql-js need %s on the PATH (Node.js 20 or newer): %v", tool, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "graphql", "package.json")); err != nil {
		c := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund")
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("npm ci in %s: %v\n%s", dir, err, out)
		}
	}
	in, err := json.Marshal(map[string]any{"sdl": sdl, "documents": append([]string{}, documents...), "introspection": append([]string{}, introspection...)})
	if err != nil {
		t.Fatal(err)
	}
	tmp := t.TempDir()
	input, output := filepath.Join(tmp, "cases"), filepath.Join(tmp, "answers")
	if err := os.WriteFile(input, in, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(ctx, "node", filepath.Join(dir, "validate.mjs"), input, output).CombinedOutput(); err != nil {
		t.Fatalf("graphql-js: %v\n%s", err, out)
	}
	text, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	var v verdicts
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	t.Logf("oracle: graphql-js %s", v.Version)
	return v
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
