package socket

import (
	"context"
	"net"
)

// Operation is one that is under way. One goroutine uses it. An error of its methods says that the client wants nothing more of it.
type Operation struct {
	socket *socket
	name   string
	id     []byte // in JSON
	cancel context.CancelFunc
	over   bool // by the socket's lock
}

// Next sends an answer.
func (o *Operation) Next(body []byte) error { return o.say("next", body, false) }

// Error sends errors, a JSON list, in place of an answer, and ends the operation.
func (o *Operation) Error(errors []byte) error { return o.say("error", errors, true) }

// Complete ends the operation.
func (o *Operation) Complete() error { return o.say("complete", nil, true) }

// say sends a message. The id of an operation that ends is free before the client can know.
func (o *Operation) say(typ string, payload []byte, last bool) error {
	s := o.socket
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	over := o.over
	if last {
		o.forget()
	}
	s.mu.Unlock()
	if over {
		return net.ErrClosed
	}
	return s.send(typ, o.id, payload)
}

// end ends the operation without a word.
func (o *Operation) end() {
	o.socket.mu.Lock()
	o.forget() // before its operator learns of it, and says something
	o.socket.mu.Unlock()
	o.cancel()
}

// forget gives the id free; the socket's lock is held.
func (o *Operation) forget() {
	if o.over = true; o.socket.open[o.name] == o {
		delete(o.socket.open, o.name)
	}
}
