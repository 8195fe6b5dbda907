package oracle

import "iter"

// Scenario is one conversation between a client and an origin.
type Scenario struct {
	Name   string
	Row    string // the row of the list of known proxy faults that it stands for
	Client []Step
	Origin []Step // played on each connection the origin accepts

	// Refuse says that the sidecar must answer by itself; zero: it must be transparent.
	Refuse Refusal
	// Ambiguous is framing that parsers differ about: transparent by default, refused in strict mode.
	Ambiguous bool
	// Midway says that ambiguous framing comes behind a request that is in order; Strict leaves the scenario out.
	Midway bool
	// Large streams are not split at every offset.
	Large bool
	// MaxHeap bounds how many bytes the process's heap may grow while the scenario is played through a sidecar of this process; 0: no bound.
	MaxHeap int64

	// CutClient and CutOrigin are offsets in what that side sends where a write ends and the reader has emptied its buffer before the
	// next write; 0: none, Drip: everywhere.
	CutClient, CutOrigin int64
}

// Drip cuts a stream behind each byte.
const Drip = -1

// Refusal is an answer that the sidecar makes itself.
type Refusal struct {
	Status int
	Code   string // of the header Weir-Error
}

type action uint8

const (
	send action = iota
	generate
	receive
	arrive
	closeWrite
	closeBoth
	reset
	awaitEnd
)

// Step is one deed of a script. A script that ends without Close or Reset waits for the other side's end and closes then.
type Step struct {
	action action
	data   []byte
	n      int64
	chunk  bool
}

// Send writes s.
func Send(s string) Step { return Step{action: send, data: []byte(s)} }

// Generate writes n bytes made on the way; n is a multiple of 64 KiB.
func Generate(n int64) Step { return Step{action: generate, n: n} }

// GenerateChunks writes n bytes of data in chunks of 64 KiB, without the last chunk.
func GenerateChunks(n int64) Step { return Step{action: generate, n: n, chunk: true} }

// Receive waits until as many bytes as s has are here beyond those received before.
func Receive(s string) Step { return Step{action: receive, n: int64(len(s))} }

// ReceiveN waits for n more bytes.
func ReceiveN(n int64) Step { return Step{action: receive, n: n} }

// Arrive waits until the other side has received all that this side has sent: a sidecar that holds bytes back gets stuck here.
func Arrive() Step { return Step{action: arrive} }

// CloseWrite ends sending.
func CloseWrite() Step { return Step{action: closeWrite} }

// Close ends both directions.
func Close() Step { return Step{action: closeBoth} }

// Reset ends both directions with a reset.
func Reset() Step { return Step{action: reset} }

// AwaitEnd waits for the other side's end.
func AwaitEnd() Step { return Step{action: awaitEnd} }

// length is how many bytes a script sends.
func length(script []Step) (n int64) {
	for _, s := range script {
		n += s.size()
	}
	return n
}

func (s Step) size() int64 {
	switch {
	case s.action == send:
		return int64(len(s.data))
	case s.action == generate && s.chunk:
		return s.n / blockSize * int64(blockSize+len(chunkLine)+len("\r\n"))
	case s.action == generate:
		return s.n
	}
	return 0
}

// Splits returns the scenario with the client's bytes split at each offset, with the origin's bytes split at each offset, and with both in
// single bytes. A large scenario is not split.
func Splits(s Scenario) iter.Seq[Scenario] {
	return func(yield func(Scenario) bool) {
		if s.Large {
			return
		}
		for i := int64(1); i < length(s.Client); i++ {
			c := s
			if c.CutClient = i; !yield(c) {
				return
			}
		}
		for i := int64(1); i < length(s.Origin) && s.Refuse == (Refusal{}); i++ {
			c := s
			if c.CutOrigin = i; !yield(c) {
				return
			}
		}
		c := s
		c.CutClient, c.CutOrigin = Drip, Drip
		yield(c)
	}
}

// Strict returns the scenarios as a sidecar in strict mode must treat them: ambiguous framing is refused as well.
func Strict(scenarios []Scenario) []Scenario {
	out := make([]Scenario, 0, len(scenarios))
	for _, s := range scenarios {
		if s.Midway {
			continue
		}
		if s.Ambiguous {
			s.Client = []Step{s.Client[0], AwaitEnd()}
			s.Refuse = badFraming
		}
		out = append(out, s)
	}
	return out
}
