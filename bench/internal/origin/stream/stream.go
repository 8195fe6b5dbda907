package stream

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/weirproxy/weir/bench/internal/gql"
)

// The protocols, by the names of their WebSocket subprotocols; that of server-sent events has none.
const (
	Transport = "graphql-transport-ws"
	Legacy    = "graphql-ws"
	Events    = "graphql-sse"
)

// Run executes one operation, whose request is the JSON payload, and emits its results until it is over, ctx ends, or emit says false. It returns the refusal
// of a request that never began.
type Run func(ctx context.Context, payload json.RawMessage, emit func(*gql.Response) bool) *gql.Response

// Upgrade tells whether a request asks for a WebSocket.
func Upgrade(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// Wanted tells whether a request asks for server-sent events.
func Wanted(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/event-stream")
}
