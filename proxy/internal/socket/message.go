package socket

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// Protocol is the WebSocket subprotocol.
const Protocol = "graphql-transport-ws"

// The types of messages that a client may send.
const (
	typeInit      = "connection_init"
	typePing      = "ping"
	typePong      = "pong"
	typeSubscribe = "subscribe"
	typeComplete  = "complete"
)

// maxID bounds the id of an operation: each of its answers repeats it.
const maxID = 256 // bytes

// message is one of a client.
type message struct {
	typ     string
	id      string          // of subscribe and complete
	payload json.RawMessage // an object; nil: none
}

// parse reads a message. The error is the reason of a close.
func parse(text []byte) (m message, err error) {
	var fields map[string]json.RawMessage // whose names are told apart by case, as by the protocol
	if !utf8.Valid(text) || json.Unmarshal(text, &fields) != nil || fields == nil {
		return m, errors.New("a message is no JSON object")
	}
	if json.Unmarshal(fields["type"], &m.typ) != nil {
		return m, errors.New("a message has no type")
	}
	switch m.typ {
	case typeInit, typePing, typePong:
		if m.payload, err = object(fields["payload"]); err != nil {
			return m, err
		}
	case typeSubscribe:
		if m.payload, err = object(fields["payload"]); err == nil && m.payload == nil {
			err = errors.New("subscribe has no payload")
		}
		if err != nil {
			return m, err
		}
	case typeComplete:
	default:
		return m, errors.New("a message is of a type that no client sends")
	}
	if m.typ == typeSubscribe || m.typ == typeComplete {
		if json.Unmarshal(fields["id"], &m.id) != nil || m.id == "" || len(m.id) > maxID {
			return m, errors.New("a message has no id of 1 to 256 bytes")
		}
	}
	return m, nil
}

// object returns a payload, which is an object where there is one.
func object(raw json.RawMessage) (json.RawMessage, error) {
	switch raw = bytes.TrimSpace(raw); {
	case len(raw) == 0 || string(raw) == "null":
		return nil, nil
	case raw[0] != '{':
		return nil, errors.New("a payload is no object")
	}
	return raw, nil
}

// appendMessage appends a message to a client. id, in JSON, and payload may be empty.
func appendMessage(dst []byte, typ string, id, payload []byte) []byte {
	dst = append(append(append(dst, `{"type":"`...), typ...), '"')
	if len(id) > 0 {
		dst = append(append(dst, `,"id":`...), id...)
	}
	if len(payload) > 0 {
		dst = append(append(dst, `,"payload":`...), payload...)
	}
	return append(dst, '}')
}
