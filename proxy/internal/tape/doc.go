// Package tape reads JSON (RFC 8259) in place: values are ranges of the text, nothing is decoded or allocated. Check, Value and String read
// strictly, within a limit of depth; the other functions trust what these have passed.
package tape
