package result

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

const (
	// maxFileBytes bounds what is read: a run of a week with a thousand operations is smaller.
	maxFileBytes = 128 << 20
	// maxHistograms bounds what a small file can make of memory: each takes 150 KiB when it is unpacked.
	maxHistograms = 8192
)

// Read reads one result file. Errors say FILE: what is wrong; what helps.
func Read(path string) (*File, error) {
	files, err := ReadAll(path)
	if err != nil {
		return nil, err
	}
	if len(files) > 1 {
		return nil, fmt.Errorf("%s: holds %d results; merge them first: weir-bench report --merge all.json %s", path, len(files), path)
	}
	return files[0], nil
}

// ReadAll reads all results of a file: one JSON object, several after each other, or the log of several machines with one result to a line and other lines
// between, which are left out. "-" is standard input.
func ReadAll(path string) ([]*File, error) {
	raw, err := content(path)
	if err != nil {
		return nil, err
	}
	files, err := parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%s%w", path, err)
	}
	return files, nil
}

func content(path string) ([]byte, error) {
	in := os.Stdin
	if path != "-" {
		var err error
		if in, err = os.Open(path); err != nil {
			var inner *fs.PathError
			if errors.As(err, &inner) {
				err = inner.Err
			}
			return nil, fmt.Errorf("%s: cannot read: %w; give the file that `weir-bench run --out` wrote", path, err)
		}
		defer in.Close()
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%s: cannot read: %w; give the file that `weir-bench run --out` wrote", path, err)
	}
	if len(raw) > maxFileBytes {
		return nil, fmt.Errorf("%s: larger than %d MiB; a result file is never so large, give the one that `weir-bench run --out` wrote", path, maxFileBytes>>20)
	}
	return raw, nil
}

// parse returns errors that begin with ":LINE:COL: " or ": ".
func parse(raw []byte) ([]*File, error) {
	if n := bytes.Count(raw, []byte(histogramMark)); n > maxHistograms {
		return nil, fmt.Errorf(": holds %d histograms, %d are the limit; measure fewer operations at a time", n, maxHistograms)
	}
	trimmed := bytes.TrimLeft(raw, " \t\r\n")
	if len(trimmed) == 0 {
		return nil, errors.New(": is empty; the measurement did not end in order, run it again")
	}
	if trimmed[0] == '{' {
		files, err := documents(raw)
		if err == nil || !bytes.Contains(raw, []byte("\n"+lineMark)) {
			return files, err
		}
	}
	return lines(raw)
}

// documents reads JSON objects after each other.
func documents(raw []byte) ([]*File, error) {
	var files []*File
	d := json.NewDecoder(bytes.NewReader(raw))
	for {
		var object json.RawMessage
		if err := d.Decode(&object); errors.Is(err, io.EOF) {
			return files, nil
		} else if err != nil {
			return nil, notJSON(raw, d.InputOffset(), err)
		}
		f, err := decode(object)
		if err != nil {
			line, column := position(raw, d.InputOffset()-int64(len(object)))
			if len(files) == 0 && d.InputOffset() >= int64(len(bytes.TrimRight(raw, " \t\r\n"))) {
				return nil, fmt.Errorf(": %w", err)
			}
			return nil, fmt.Errorf(":%d:%d: %w", line, column, err)
		}
		files = append(files, f)
	}
}

// lineMark begins the line of a result in a log.
const lineMark = `{"format":"weir-bench/`

// lines reads the results out of a log.
func lines(raw []byte) ([]*File, error) {
	var files []*File
	n := 0
	for line := range bytes.Lines(raw) {
		n++
		line = bytes.TrimSpace(line)
		if !bytes.HasPrefix(line, []byte(lineMark)) {
			continue
		}
		if !json.Valid(line) {
			return nil, fmt.Errorf(":%d:1: the line of a result is cut off; collect the log again, whole", n)
		}
		f, err := decode(line)
		if err != nil {
			return nil, fmt.Errorf(":%d:1: %w", n, err)
		}
		files = append(files, f)
	}
	if files == nil {
		return nil, errors.New(":1:1: is no result and no log with a result in it; give the file that `weir-bench run --out` wrote")
	}
	return files, nil
}

func decode(object []byte) (*File, error) {
	var version struct {
		Format *string `json:"format"`
	}
	if err := json.Unmarshal(object, &version); err != nil || version.Format == nil {
		return nil, errors.New(`is JSON but no result file: "format" is missing; give the file that ` + "`weir-bench run --out` wrote")
	}
	if *version.Format != Format {
		return nil, fmt.Errorf("has format %.40q, this weir-bench reads %q; use the weir-bench that wrote it, or measure again", *version.Format, Format)
	}
	f := new(File)
	if err := json.Unmarshal(object, f); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return nil, fmt.Errorf("%s is a %s and should be a %s; the file was changed, measure again", wrong.Field, wrong.Value, wrong.Type)
		}
		return nil, fmt.Errorf("%w; the file was changed, measure again", err)
	}
	if err := f.check(); err != nil {
		return nil, fmt.Errorf("%w; the file was changed, measure again", err)
	}
	return f, nil
}

func notJSON(raw []byte, at int64, err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		at += max(syntax.Offset-at-1, 0) // offsets of syntax errors count from the start of the stream
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New(": ends in the middle; it was cut off, copy it again or measure again")
	}
	line, column := position(raw, at)
	return fmt.Errorf(":%d:%d: %w; give the file that `weir-bench run --out` wrote", line, column, err)
}

func position(raw []byte, at int64) (line, column int) {
	before := raw[:min(max(at, 0), int64(len(raw)))]
	return bytes.Count(before, []byte("\n")) + 1, len(before) - bytes.LastIndexByte(before, '\n')
}
