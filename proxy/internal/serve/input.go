package serve

import "io"

const (
	smallInput = 4 << 10  // what a connection starts with
	largeInput = 64 << 10 // what it keeps between requests
	relayInput = 32 << 10 // of the response pump
)

// input is a read buffer: b[r:w] are bytes received and not yet consumed. Consumed bytes are overwritten only by compact and reset, so
// slices into the buffer stay valid until the owner calls one of them.
type input struct {
	b    []byte
	r, w int
}

func (in *input) bytes() []byte { return in.b[in.r:in.w] }
func (in *input) size() int     { return in.w - in.r }
func (in *input) discard(n int) { in.r += n }

// reset makes an empty buffer ready for the next message and gives large memory back.
func (in *input) reset() {
	in.r, in.w = 0, 0
	if len(in.b) > largeInput {
		in.b = make([]byte, smallInput)
	}
}

// reserve makes room for a message of n bytes from r on. Bytes that were consumed or are in use stay where they are: a buffer that is
// too small is replaced.
func (in *input) reserve(n int) {
	if len(in.b)-in.r >= n {
		return
	}
	size := max(len(in.b), smallInput)
	for size < n {
		size *= 2
	}
	b := make([]byte, size)
	in.w = copy(b, in.bytes())
	in.b, in.r = b, 0
}

// room is the free part, which it enlarges when there is none.
func (in *input) room() []byte {
	if in.w == len(in.b) {
		in.reserve(max(2*in.size(), smallInput))
	}
	return in.b[in.w:]
}

// read reads once into the free part, which it enlarges when there is none.
func (in *input) read(src io.Reader) (int, error) {
	n, err := src.Read(in.room())
	in.w += n
	if n > 0 {
		return n, nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return 0, err
}
