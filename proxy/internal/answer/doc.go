// Package answer writes the HTTP/1 messages that Weir makes itself: hits, GraphQL errors and failures of the sidecar. All functions
// append to the caller's buffer. It decides nothing but the form: status, framing, media type and headers follow from the
// arguments. Content negotiation follows GraphQL over HTTP, section 6.
package answer
