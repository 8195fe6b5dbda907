// Package tape reads JSON (RFC 8259) in place: values are ranges of the text, nothing is decoded or allocated. Check reads a text strictly,
// within a limit of depth; the other functions trust what Check has passed.
package tape
