package result

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func small(seed uint64) *File {
	s := Stats{Requests: 1000, Hits: 700, Misses: 300, Bytes: 1 << 20, Rate: 100}
	for i := range 1000 {
		s.Latency.Record(time.Duration(500+(uint64(i)*seed*7919)%1000) * time.Microsecond)
	}
	f := &File{
		Format: Format, Command: []string{"weir-bench", "run"}, Version: "v1", Started: time.Unix(1_700_000_000, int64(seed)).UTC(), Seconds: 10, Machines: []Machine{{CPU: "one"}},
		Run: &Run{Loop: "open", Arrivals: "constant:100", Workload: "shop.yaml", Targets: []string{"http://a"}, Connections: 4, Seed: seed, Total: s},
	}
	f.Run.Operations = []Operation{{Name: "Product", Kind: "query", Stats: s}}
	for i := range 10 {
		f.Run.Series = append(f.Run.Series, Second{At: float64(i + 1), Requests: 100, Hits: 70, Misses: 30, P50: 900, P90: 1300, P99: 1450 + int64(seed), Max: 1499})
	}
	return f
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.json")
	f := small(3)
	f.Tables = []Table{{Name: "t", Columns: []Column{{Name: "x"}, {Name: "y"}}, Rows: [][]float64{{1, math.NaN()}, {2, 5}}}}
	f.Compare = &Compare{Rows: []Row{{Row: "1", Value: Bootstrap(nil)}, {Row: "2", Value: Bootstrap([]float64{1, 2, 3})}}}
	if err := f.Write(path); err != nil {
		t.Fatal(err)
	}
	back, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	var a, b bytes.Buffer
	if err := errors.Join(f.Encode(&a), back.Encode(&b)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Errorf("wrote\n%s\nread\n%s", &a, &b)
	}
	if v := back.Tables[0].Rows; !math.IsNaN(v[0][1]) || v[1][1] != 5 {
		t.Errorf("cells: %v", v)
	}
	if v := back.Compare.Rows[0].Value; !math.IsNaN(v.Median) || v.N != 0 {
		t.Errorf("an interval of nothing: %+v", v)
	}
	if bytes.Count(a.Bytes(), []byte("\n")) != 1 {
		t.Error("a result is not one line")
	}
}

func TestOneBadFigureDoesNotCostTheMeasurement(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.json")
	f := small(1)
	f.Run.Total.Rate = math.Inf(1)
	f.Run.Operations[0].Stats.Rate = math.NaN()
	if err := f.Write(path); err != nil {
		t.Fatal(err)
	}
	back, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(back.Warnings) != 1 || back.Warnings[0].Code != WarnNoNumber || !strings.Contains(back.Warnings[0].Text, "run.total.rate, run.operations[0].stats.rate") {
		t.Errorf("%+v", back.Warnings)
	}
}

func TestReadSaysWhatIsWrongAndWhatHelps(t *testing.T) {
	var whole bytes.Buffer
	if err := small(1).Encode(&whole); err != nil {
		t.Fatal(err)
	}
	text := whole.String()
	for want, content := range map[string]string{
		": is empty; the measurement did not end in order":  "  \n",
		": ends in the middle; it was cut off":              text[:len(text)/2],
		`:1:2: invalid character 'x'`:                       "{x",
		":1:1: is no result and no log":                     "hello\nworld\n",
		`: is JSON but no result file: "format" is missing`: `{"a": 1}`,
		`has format "weir-bench/2", this weir-bench reads`:  strings.Replace(text, "bench/1", "bench/2", 1),
		"run.connections is a string and should be a int":   strings.Replace(text, `"connections":4`, `"connections":"4"`, 1),
		`loop is "ajar"`:                                       strings.Replace(text, `"open"`, `"ajar"`, 1),
		"total: a count is negative":                           strings.Replace(text, `"requests":1000`, `"requests":-1`, 1),
		"series[0] has a negative figure":                      strings.Replace(text, `"at":1,`, `"at":-1,`, 1),
		"histogram: is too short":                              strings.Replace(text, `"HISTF`, `"HIST*`, 1),
		"histogram: is not in HdrHistogram's":                  strings.Replace(text, `"HISTF`, `"FISTF`, 1),
		"holds 2 results; merge them first":                    text + text,
		":2:1: has format":                                     text + strings.Replace(text, "bench/1", "bench/2", 1),
		":3:1: the line of a result is cut off":                "starting\n" + text + text[:len(text)-9] + "\n",
		`:2:1: invalid character '}' looking for beginning of`: text + "}",
	} {
		path := filepath.Join(t.TempDir(), "r.json")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Read(path)
		if err == nil || !strings.HasPrefix(err.Error(), path+":") || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "; ") {
			t.Errorf("%.60q:\n got %v\nwant %s", content, err, want)
		}
	}
	if _, err := Read("/nowhere/r.json"); err == nil || !strings.HasPrefix(err.Error(), "/nowhere/r.json: cannot read: no such file") {
		t.Error(err)
	}
}

func TestResultsAreFoundInALog(t *testing.T) {
	var log bytes.Buffer
	for i := range 3 {
		log.WriteString("12:00:00 100/s p50 1ms\n")
		if err := small(uint64(i) + 1).Encode(&log); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "pods.log")
	if err := os.WriteFile(path, log.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := ReadAll(path)
	if err != nil || len(files) != 3 || files[2].Run.Seed != 3 {
		t.Errorf("%d %v", len(files), err)
	}
}

func TestAFullDiskLeavesTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.json")
	if err := small(1).Write(path); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(path)
	err := WriteFile(path, func(w io.Writer) error {
		_, _ = w.Write(make([]byte, 1<<20))
		return &os.PathError{Op: "write", Path: path + ".123", Err: syscall.ENOSPC}
	})
	if err == nil || !strings.Contains(err.Error(), path+": cannot write: no space left on device; the disk is full") {
		t.Error(err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the file that was there is gone")
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestWhereNothingCanBeWritten(t *testing.T) {
	dir := t.TempDir()
	for want, path := range map[string]string{
		"make the folder first": filepath.Join(dir, "no", "a.json"),
		"it is a folder":        dir,
		"the disk is full":      "/dev/full",
	} {
		if err := small(1).Write(path); err == nil || !strings.HasPrefix(err.Error(), path+": cannot write: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	var whole bytes.Buffer
	if err := small(1).Encode(&whole); err != nil {
		f.Fatal(err)
	}
	f.Add(whole.Bytes())
	f.Add(append([]byte("a log\n"), whole.Bytes()...))
	f.Add([]byte(`{"format":"weir-bench/1","tables":[{"name":"a","columns":[{"name":"x"}],"rows":[[null]],"plot":{"x":0,"y":[0]}}],"compare":{"rows":[{"value":{"median":null}}]}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		files, err := parse(raw)
		if err != nil {
			return
		}
		for _, got := range files {
			var a, b bytes.Buffer
			if err := got.Encode(&a); err != nil {
				t.Fatal(err)
			}
			back, err := parse(a.Bytes())
			if err != nil || len(back) != 1 {
				t.Fatalf("%v: what was read cannot be written and read again: %s", err, &a)
			}
			if err := back[0].Encode(&b); err != nil || !bytes.Equal(a.Bytes(), b.Bytes()) {
				t.Fatalf("%v\n%s%s", err, &a, &b)
			}
		}
	})
}
