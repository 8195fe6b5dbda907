package result

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
)

// Encode writes the file as one line of JSON, so that the output of many machines can be collected in one stream and read back by ReadAll. A figure that is no
// number is written as 0 and named in the file's warnings: one bad division does not cost a whole measurement.
func (f *File) Encode(w io.Writer) error {
	if f.Format == "" {
		f.Format = Format
	}
	var bad []string
	finite(reflect.ValueOf(f), "", &bad)
	if len(bad) > 0 {
		f.Warnings = append(f.Warnings, Warning{WarnNoNumber, "could not be computed and stands as 0: " + strings.Join(bad, ", ") + "; measure for longer"})
	}
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(f); err != nil {
		return fmt.Errorf("result: %w", err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// Write stores the file under path: whole or not at all. It is written beside path, synced and renamed, so that a full disk or a crash leaves what was there
// before.
func (f *File) Write(path string) error {
	return WriteFile(path, f.Encode)
}

// WriteFile makes the file path from what write writes, whole or not at all: the content goes to a temporary file in the same folder, which is synced and
// renamed. What is no regular file (a pipe, /dev/stdout) is written directly.
func WriteFile(path string, write func(io.Writer) error) (err error) {
	if info, statErr := os.Stat(path); statErr == nil && !info.Mode().IsRegular() && !info.IsDir() {
		out, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return cannotWrite(path, err)
		}
		return cannotWrite(path, errors.Join(write(out), out.Close()))
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return cannotWrite(path, err)
	}
	defer func() {
		if err != nil {
			os.Remove(tmp.Name())
			err = cannotWrite(path, err)
		}
	}()
	buffered := bufio.NewWriterSize(tmp, 1<<16)
	err = write(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	if err == nil {
		err = tmp.Chmod(0o644)
	}
	if err == nil {
		err = tmp.Sync() // a full disk may tell only here
	}
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	return err
}

// cannotWrite says what failed and what helps; nil stays nil.
func cannotWrite(path string, err error) error {
	if err == nil {
		return nil
	}
	cure := "choose another place"
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		cure = "the disk is full: free some space or choose another place; nothing was changed there"
	case errors.Is(err, fs.ErrNotExist):
		cure = "make the folder first"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		cure = "choose a folder you may write to"
	case errors.Is(err, syscall.EISDIR), errors.Is(err, syscall.EEXIST):
		cure = "it is a folder: give the name of a file"
	}
	var inner *fs.PathError
	if errors.As(err, &inner) {
		err = inner.Err // the temporary name says nothing to anybody
	}
	var link *os.LinkError
	if errors.As(err, &link) {
		err = link.Err
	}
	return fmt.Errorf("%s: cannot write: %w; %s", path, err, cure)
}

// finite sets floats that JSON cannot hold to 0 and collects where they were. Table cells and intervals have a spelling of their own for "not measured".
func finite(v reflect.Value, path string, bad *[]string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			finite(v.Elem(), path, bad)
		}
	case reflect.Slice:
		for i := range v.Len() {
			finite(v.Index(i), path+"["+strconv.Itoa(i)+"]", bad)
		}
	case reflect.Struct:
		switch v.Interface().(type) {
		case Interval, Histogram:
			return
		}
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if !field.IsExported() || field.Type == cells {
				continue
			}
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			finite(v.Field(i), strings.TrimPrefix(path+"."+name, "."), bad)
		}
	case reflect.Float64:
		if x := v.Float(); math.IsNaN(x) || math.IsInf(x, 0) {
			*bad = append(*bad, path)
			v.SetFloat(0)
		}
	}
}

var cells = reflect.TypeFor[[][]float64]()
