package subscribe

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestLookup(t *testing.T) {
	const event = ` { "a" : {"x":[1,"two,}",{"y":null}], "z\u0031":-1.5e3} ,"b":[ ], "a":7, "":true}`
	for path, want := range map[string]string{
		"a.x.0": "1", "$.a.x[1]": `"two,}"`, "a.x[2].y": "null", "a.z1": "-1.5e3", "b": "[ ]", "b.0": "", "a.x.3": "", "c": "", "a.x.0.1": "",
	} {
		if got := string(lookup([]byte(event), splitPath(path))); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
}

// FuzzMember compares with encoding/json, which keeps the last of several equal keys: those are left out.
func FuzzMember(f *testing.F) {
	f.Add(`{"a":{"b":[1,{"c":"\"}"}]},"d\n":1}`, "a")
	f.Add(`[1,[2],{"x":3} , "]" ]`, "2")
	f.Add("{\"\\ud800\":1,\"\xff\":2}", "\ufffd")
	f.Fuzz(func(t *testing.T, raw, key string) {
		if !json.Valid([]byte(raw)) {
			return
		}
		got := member([]byte(raw), key)
		if got != nil && !json.Valid(got) {
			t.Fatalf("%q of %s is %s", key, raw, got)
		}
		var object map[string]json.RawMessage
		if json.Unmarshal([]byte(raw), &object) != nil || object == nil {
			return
		}
		d := json.NewDecoder(bytes.NewReader([]byte(raw)))
		if _, err := d.Token(); err != nil {
			t.Fatal(err)
		}
		for n := 0; d.More(); n++ {
			name, err := d.Token()
			if err != nil {
				t.Fatal(err)
			}
			var want json.RawMessage
			if err := d.Decode(&want); err != nil {
				t.Fatal(err)
			}
			if name == key && utf8Only(raw) {
				if !bytes.Equal(got, want) {
					t.Fatalf("%q of %s is %s, want %s", key, raw, got, want)
				}
				return
			}
		}
		if got != nil && utf8Only(raw) {
			t.Fatalf("%q of %s is %s, there is none", key, raw, got)
		}
	})
}

// utf8Only reports whether encoding/json would leave the text's bytes alone.
func utf8Only(s string) bool {
	return bytes.Equal(bytes.ToValidUTF8([]byte(s), []byte("?")), []byte(s))
}
