// Package socket speaks graphql-transport-ws (github.com/enisdenjo/graphql-ws, PROTOCOL.md) to a client over a WebSocket connection that is open: it
// knows the messages, their order and the close codes, and nothing of what operations are. Those are carried out by an Operator, each in a goroutine of
// its own.
//
// Nothing waits in a queue here: who has a message to send waits until the client has taken those before it. What the client does not take within the
// write deadline ends the connection, and so no more than one message for each of a bounded number of operations is ever held.
package socket
