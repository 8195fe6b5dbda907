package jsoracle

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// timeout bounds the installation, and each run of a driver.
const timeout = 3 * time.Minute

// Run gives setup and cases to a driver, a script in testdata named without its ending, and returns its answers, as many as there are
// cases and in their order. It ends the test when there are none to be had.
func Run[Case, Answer any](t testing.TB, driver string, setup any, cases []Case) []Answer {
	t.Helper()
	dir, err := installed()
	if err != nil {
		t.Fatal(err)
	}
	in, err := lines(setup, cases)
	if err != nil {
		t.Fatal(err)
	}
	tmp := t.TempDir()
	input, output := filepath.Join(tmp, "cases"), filepath.Join(tmp, "answers")
	if err := os.WriteFile(input, in, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run("", "node", filepath.Join(dir, driver+".mjs"), input, output); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	version, answers, err := parse[Answer](text)
	if err == nil && len(answers) != len(cases) {
		err = fmt.Errorf("%d answers to %d cases", len(answers), len(cases))
	}
	if err != nil {
		t.Fatalf("oracle %s: %v", driver, err)
	}
	t.Logf("oracle %s: version %s", driver, version)
	return answers
}

func lines[Case any](setup any, cases []Case) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	if err := enc.Encode(setup); err != nil {
		return nil, err
	}
	for _, c := range cases {
		if err := enc.Encode(c); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

func parse[Answer any](text []byte) (version string, answers []Answer, err error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	if err := dec.Decode(&version); err != nil {
		return "", nil, err
	}
	for dec.More() {
		var a Answer
		if err := dec.Decode(&a); err != nil {
			return version, answers, err
		}
		answers = append(answers, a)
	}
	return version, answers, nil
}

// installed returns the folder of the drivers once all that its lock file names is there.
func installed() (string, error) {
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			return "", fmt.Errorf("the comparison with JavaScript servers needs Node.js 20 or newer with npm; install it, for instance: sudo apt-get install nodejs npm (%w)", err)
		}
	}
	dir, err := drivers()
	if err != nil {
		return "", err
	}
	lock, err := os.Open(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if current(dir) {
		return dir, nil
	}
	// npm removes node_modules before it fills it, so one process at a time may install. The system lifts the lock when the process ends.
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	if current(dir) {
		return dir, nil
	}
	return dir, run(dir, "npm", "ci", "--no-audit", "--no-fund")
}

// current tells whether the last installation came to its end and is not older than the lock file: npm writes the hidden one last.
func current(dir string) bool {
	wanted, err := os.Stat(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return false
	}
	have, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json"))
	return err == nil && !have.ModTime().Before(wanted.ModTime())
}

// drivers finds this package's testdata from the folder of the test that runs, which lies in the same module.
func drivers() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "planner", "internal", "jsoracle", "testdata"), nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("the test does not run inside the module's folder")
		}
	}
}

func run(dir, command string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	c := exec.CommandContext(ctx, command, args...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", c, err, out)
	}
	return nil
}
