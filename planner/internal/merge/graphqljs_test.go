package merge

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

type oracleCase struct {
	Document string `json:"document"`
}

type oracleAnswer struct {
	OK     bool     `json:"ok"`
	Errors []string `json:"errors"`
}

// runOracle runs the rule of graphql-js over the documents and returns its answers.
func runOracle(t *testing.T, documents []string) []oracleAnswer {
	t.Helper()
	dir := filepath.Join("testdata", "graphqljs")
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("the differential test against graphql-js needs %s on the PATH (Node.js 20 or newer): %v", tool, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "graphql", "package.json")); err != nil {
		c := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund")
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("npm ci in %s: %v\n%s", dir, err, out)
		}
	}
	var in bytes.Buffer
	enc := json.NewEncoder(&in)
	if err := enc.Encode(map[string]string{"sdl": petsSDL}); err != nil {
		t.Fatal(err)
	}
	for _, d := range documents {
		if err := enc.Encode(oracleCase{d}); err != nil {
			t.Fatal(err)
		}
	}
	tmp := t.TempDir()
	input, output := filepath.Join(tmp, "cases"), filepath.Join(tmp, "answers")
	if err := os.WriteFile(input, in.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(ctx, "node", filepath.Join(dir, "merge.mjs"), input, output).CombinedOutput(); err != nil {
		t.Fatalf("graphql-js: %v\n%s", err, out)
	}
	text, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	var answers []oracleAnswer
	sc := bufio.NewScanner(bytes.NewReader(text))
	sc.Buffer(nil, 1<<24)
	for first := true; sc.Scan(); first = false {
		if first {
			t.Logf("oracle: graphql-js %s", sc.Bytes())
			continue
		}
		var a oracleAnswer
		if err := json.Unmarshal(sc.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
		answers = append(answers, a)
	}
	if len(answers) != len(documents) {
		t.Fatalf("graphql-js answered %d of %d cases", len(answers), len(documents))
	}
	return answers
}

// TestAgainstGraphQLJS compares acceptance with graphql-js over generated documents, many of them invalid in other ways
// (unknown fields, impossible conditions, cyclic fragments): this rule must agree nonetheless.
func TestAgainstGraphQLJS(t *testing.T) {
	schema := pets(t)
	r := rand.New(rand.NewPCG(20250901, 7))
	var documents []string
	for i := range 12_000 {
		g := &generator{r: r, schema: schema, fragments: r.IntN(5), cyclic: i%8 == 0}
		documents = append(documents, g.document())
	}
	for _, c := range ruleCases {
		documents = append(documents, c.document)
	}
	answers := runOracle(t, documents)
	accepted, bad := 0, 0
	for i, d := range documents {
		errs, exhausted := Check(schema, parse(t, d), 0)
		if exhausted {
			t.Fatalf("budget exhausted by %s", d)
		}
		if len(errs) == 0 {
			accepted++
		}
		if answers[i].OK != (len(errs) == 0) {
			if bad++; bad <= 10 {
				t.Errorf("%s\n ours   %v\n theirs %v", d, errs, answers[i].Errors)
			}
		}
	}
	t.Logf("%d documents, %d accepted, %d differences", len(documents), accepted, bad)
	if accepted < len(documents)/5 || accepted > len(documents)*4/5 {
		t.Errorf("%d of %d documents accepted: the generator tests one side only", accepted, len(documents))
	}
}
