package config

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// everyKey lists every key of a type with its path's last part.
func everyKey(t reflect.Type, out map[string]bool) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return
	}
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("yaml"); key != "" {
			out[key] = true
		}
		everyKey(t.Field(i).Type, out)
	}
}

func TestExampleHasEveryKeyAndTheDefaults(t *testing.T) {
	const name = "../../weir.example.yaml"
	f, src, err := ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Compile(f, src, os.LookupEnv); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	everyKey(reflect.TypeFor[File](), all)
	for key := range all {
		if !strings.Contains(string(text), key+":") {
			t.Errorf("%s is not in the example", key)
		}
	}
	want := DefaultFile()
	want.Upstream = f.Upstream
	if !reflect.DeepEqual(normal(f), normal(want)) {
		t.Errorf("the example differs from the defaults:\n%s\nwant\n%s", Redacted(f), Redacted(want))
	}
}

// normal makes empty lists and no list the same.
func normal(f File) File {
	for _, l := range []*List{&f.Redis, &f.Kafka, &f.Invalidation.Kafka, &f.Supergraph.Labels, &f.Supergraph.Headers.Propagate, &f.Supergraph.Headers.Remove, &f.Supergraph.WebSocket.Origins} {
		if len(*l) == 0 {
			*l = nil
		}
	}
	if len(f.Invalidation.Topics) == 0 {
		f.Invalidation.Topics = nil
	}
	return f
}
