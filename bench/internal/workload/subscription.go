package workload

// Subscription is one subscription to keep open, in plain values.
type Subscription struct {
	Name, Document string
	Variables      []byte // JSON object; nil: none
	Protocol       string
	Open           int
	Headers        []Header
	TimePath       string // JSON path of the time an event was sent at; "": events carry none
}

// Header is a header line.
type Header struct{ Name, Value string }
