package jsonscan

import (
	"encoding/json"
	"testing"
)

// AppendQuoted is what SkipString and AppendUnescaped undo, and JSON for the standard library.
func TestAppendQuoted(t *testing.T) {
	for _, escaped := range []string{``, `plain`, `a\"b\\c`, `\n\r\t\u0000\u001f`, `é😀\ud7ff\ue000`, `x\ud83dy`, `\udfff`, `\ud800\udbff`} {
		text := AppendUnescaped(nil, []byte(escaped))
		quoted := AppendQuoted(nil, text)
		end, _, ok := SkipString(quoted, 0)
		if !ok || end != len(quoted) {
			t.Errorf("%s: %s is no string", escaped, quoted)
			continue
		}
		if again := AppendUnescaped(nil, quoted[1:end-1]); string(again) != string(text) {
			t.Errorf("%s: %s says %q, want %q", escaped, quoted, again, text)
		}
		if !json.Valid(quoted) {
			t.Errorf("%s: %s is not valid", escaped, quoted)
		}
	}
}
