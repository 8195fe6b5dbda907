package frames

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"strings"
)

// Deflate is how one direction is compressed.
type Deflate struct {
	Takeover bool // a message may refer to the ones before it
}

// Negotiated reads the Sec-WebSocket-Extensions of the server's answer (RFC 7692, section 7): how the client's and the server's messages are compressed, nil
// when they are not. ok is false when an extension was agreed on that is not understood: the frames cannot be followed then.
func Negotiated(field string) (client, server *Deflate, ok bool) {
	field = strings.TrimSpace(field)
	if field == "" {
		return nil, nil, true
	}
	if strings.Contains(field, ",") {
		return nil, nil, false
	}
	name, parameters, _ := strings.Cut(field, ";")
	if !strings.EqualFold(strings.TrimSpace(name), "permessage-deflate") {
		return nil, nil, false
	}
	client, server = &Deflate{true}, &Deflate{true}
	for p := range strings.SplitSeq(parameters, ";") {
		key, _, _ := strings.Cut(p, "=")
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "":
		case "client_no_context_takeover":
			client.Takeover = false
		case "server_no_context_takeover":
			server.Takeover = false
		case "client_max_window_bits", "server_max_window_bits": // a smaller window is part of the largest one
		default:
			return nil, nil, false
		}
	}
	return client, server, true
}

const window = 32 << 10

var errLarge = errors.New("the message is above the limit")

// tail is what the sender left out, and an empty last block so that the reader ends (RFC 7692, section 7.2.2).
var tail = []byte{0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff}

// inflater inflates the messages of one direction.
type inflater struct {
	takeover bool
	max      int
	in       bytes.Reader
	end      bytes.Reader
	flate    io.ReadCloser
	out      []byte
	before   []byte // the last bytes of what was inflated, a window at most
}

func newInflater(takeover bool, max int) *inflater { return &inflater{takeover: takeover, max: max} }

// inflate returns the message, valid until the next call.
func (i *inflater) inflate(m []byte) ([]byte, error) {
	i.in.Reset(m)
	i.end.Reset(tail)
	from := io.MultiReader(&i.in, &i.end)
	if i.flate == nil {
		i.flate = flate.NewReaderDict(from, i.before)
	} else if err := i.flate.(flate.Resetter).Reset(from, i.before); err != nil {
		return nil, err
	}
	i.out = i.out[:0]
	for {
		if cap(i.out)-len(i.out) < bytes.MinRead {
			i.out = append(i.out, make([]byte, max(bytes.MinRead, len(i.out)))...)[:len(i.out)]
		}
		n, err := i.flate.Read(i.out[len(i.out):cap(i.out)])
		i.out = i.out[:len(i.out)+n]
		if len(i.out) > i.max {
			return nil, errLarge
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	if i.takeover {
		i.remember()
	}
	return i.out, nil
}

// remember keeps what the next message may refer to.
func (i *inflater) remember() {
	if len(i.out) >= window {
		i.before = append(i.before[:0], i.out[len(i.out)-window:]...)
		return
	}
	if over := len(i.before) + len(i.out) - window; over > 0 {
		i.before = i.before[:copy(i.before, i.before[over:])]
	}
	i.before = append(i.before, i.out...)
}
