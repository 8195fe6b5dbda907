package socket

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestMessages(t *testing.T) {
	for text, want := range map[string]message{
		`{"type":"connection_init"}`:                                  {typ: "connection_init"},
		` {"payload" : {"a":1} ,"type":"connection_init","more":[]} `: {typ: "connection_init", payload: json.RawMessage(`{"a":1}`)},
		`{"type":"connection_init","payload":null}`:                   {typ: "connection_init"},
		`{"type":"ping"}`:                                          {typ: "ping"},
		`{"type":"pong","payload":{}}`:                             {typ: "pong", payload: json.RawMessage(`{}`)},
		`{"id":"1","type":"complete"}`:                             {typ: "complete", id: "1"},
		`{"id":"\"é\n","type":"subscribe","payload":{"query":""}}`: {typ: "subscribe", id: "\"é\n", payload: json.RawMessage(`{"query":""}`)},
	} {
		if m, err := parse([]byte(text)); err != nil || m.typ != want.typ || m.id != want.id || string(m.payload) != string(want.payload) {
			t.Errorf("%s: %+v %v", text, m, err)
		}
	}
	for text, want := range map[string]string{
		``:                               "a message is no JSON object",
		`null`:                           "a message is no JSON object",
		`[]`:                             "a message is no JSON object",
		`{"type":"ping"}{}`:              "a message is no JSON object",
		"{\"type\":\"ping\",\"\xff\":1}": "a message is no JSON object",
		`{}`:                             "a message has no type",
		`{"type":1}`:                     "a message has no type",
		`{"TYPE":"ping"}`:                "a message has no type",
		`{"type":""}`:                    "a message is of a type that no client sends",
		`{"type":"next","id":"1"}`:       "a message is of a type that no client sends",
		`{"type":"start","id":"1"}`:      "a message is of a type that no client sends",
		`{"type":"connection_init","payload":"x"}`:                    "a payload is no object",
		`{"type":"ping","payload":[1]}`:                               "a payload is no object",
		`{"type":"subscribe","id":"1"}`:                               "subscribe has no payload",
		`{"type":"subscribe","id":"1","payload":null}`:                "subscribe has no payload",
		`{"type":"subscribe","id":"1","payload":[{}]}`:                "a payload is no object",
		`{"type":"subscribe","payload":{}}`:                           "a message has no id of 1 to 256 bytes",
		`{"type":"subscribe","id":"","payload":{}}`:                   "a message has no id of 1 to 256 bytes",
		`{"type":"complete","id":7}`:                                  "a message has no id of 1 to 256 bytes",
		`{"type":"complete","id":"` + strings.Repeat("i", 257) + `"}`: "a message has no id of 1 to 256 bytes",
	} {
		if m, err := parse([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%s: %+v %v, want %s", text, m, err, want)
		} else if len(want) > 123 {
			t.Errorf("%q is too long for a close frame", want)
		}
	}
}

// FuzzMessage: what is taken for a message is one by another reading of it, and the answers to it are JSON that says the same.
func FuzzMessage(f *testing.F) {
	f.Add([]byte(`{"id":"1","type":"subscribe","payload":{"query":"{ a }"}}`))
	f.Add([]byte(`{"type":"connection_init","payload":{"Authorization":"Bearer x"}}`))
	f.Add([]byte(`{"id":"\ud800","type":"complete"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parse(text)
		if err != nil {
			return
		}
		var other map[string]any
		if json.Unmarshal(text, &other) != nil || other["type"] != m.typ || !utf8.ValidString(m.id) {
			t.Fatalf("%q was taken for %+v", text, m)
		}
		if payload, ok := other["payload"].(map[string]any); ok != (m.payload != nil) || len(payload) > 0 && !json.Valid(m.payload) {
			t.Fatalf("%q was taken for %+v", text, m)
		}
		if m.typ == typeSubscribe || m.typ == typeComplete {
			if other["id"] != m.id || m.id == "" {
				t.Fatalf("%q was taken for %+v", text, m)
			}
		}
		id, _ := json.Marshal(m.id)
		var back struct {
			Type, ID string
			Payload  json.RawMessage
		}
		if err := json.Unmarshal(appendMessage(nil, "next", id, m.payload), &back); err != nil || back.Type != "next" || back.ID != m.id || string(back.Payload) != string(m.payload) {
			t.Fatalf("%q was repeated as %+v: %v", text, back, err)
		}
	})
}
