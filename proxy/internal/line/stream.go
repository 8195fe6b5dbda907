package line

import (
	"context"
	"net/http"

	"github.com/weirproxy/weir/proxy/internal/answer"
	"github.com/weirproxy/weir/proxy/internal/codes"
)

// Out is where the body of a streamed answer goes. One goroutine uses it.
type Out interface {
	// Part sends a part at once, and waits while the client does not read, within its deadline. An error says that the client is gone.
	Part(b []byte) error
	// Ending is closed when the sidecar drains: an answer that would go on without end is to end soon.
	Ending() <-chan struct{}
}

// streaming says what Stream writes.
type streaming uint8

const (
	streamNothing streaming = iota
	streamOne               // the answer of an operation, as an event
	streamParts             // the answer of an operation, what it defers behind the rest
	streamEvents            // those of a subscription
)

// appendStreamed appends the head of a streamed answer.
func (x *Exchange) appendStreamed(dst []byte, w *answer.Writer, k answer.Connection, now int64) []byte {
	x.Status = http.StatusOK
	media := answer.MediaEvents
	if x.streaming == streamParts {
		media = x.partsMedia()
	}
	return w.AppendStreamed(dst, &answer.Streamed{Connection: k, Media: media}, now)
}

// eventStream is the media type without its parameters.
const eventStream = "text/event-stream"

// Stream writes the body of an answer whose head was written, and returns at its end. ctx ends when the client leaves.
func (l *Line) Stream(ctx context.Context, x *Exchange, out Out) {
	switch x.streaming {
	case streamOne:
		x.executed = append(answer.AppendNext(make([]byte, 0, len(x.executed)+64), x.executed), answer.Complete...)
		_ = out.Part(x.executed) // a client that is gone needs nothing
	case streamParts:
		l.streamParts(ctx, x, out)
	case streamEvents:
		l.follow(ctx, x, &eventStreamer{out: out}, out.Ending())
	}
}

// eventStreamer writes events as GraphQL over SSE.
type eventStreamer struct {
	out Out
	b   []byte
}

func (e *eventStreamer) next(body []byte) error {
	e.b = answer.AppendNext(e.b[:0], body)
	return e.out.Part(e.b)
}

func (e *eventStreamer) beat() error { return e.out.Part([]byte(":\n\n")) }

// end tells by a last event why, for the protocol has no other place for that.
func (e *eventStreamer) end(why codes.Code) {
	if why != codes.None && e.next(told(why)) != nil {
		return
	}
	_ = e.out.Part([]byte(answer.Complete)) // a client that is gone needs nothing
}
