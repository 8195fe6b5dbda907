package codes

import "net/http"

// Code is a stable error code.
type Code uint8

// The codes. None is no error.
const (
	None Code = iota

	BadFraming
	HeadTooLarge
	HeadTimeout
	BodyTooLarge
	BodyTimeout
	TooManyConnections
	Overload
	Draining

	UpstreamConnect
	UpstreamTimeout
	UpstreamClosed
	UpstreamOpen

	SubgraphConnect
	SubgraphTimeout
	SubgraphClosed
	SubgraphAnswer
	SubgraphValue
	SubgraphOpen

	SubscriptionMedia
	SubscriptionLimit
	SubscriptionSlow
	SubscriptionLost
	SubscriptionChanged
	SubscriptionExpired

	SocketProtocol
	SocketHandshake
	SocketOrigin
	SocketOperations

	Unauthorized

	NotFound
	BadRequest
	ParseFailed
	ValidationFailed
	BadUserInput
	BatchTooLarge
	LimitExceeded
	CostBudget
	UnseenLimit
	IntrospectionDisabled
	GetMutation
	UnsupportedMedia

	RateLimited
	OperationDisabled

	Panic

	end
)

// entry is one row of the table.
type entry struct {
	name    string
	status  int
	message string
	cure    string
}

var table = [end]entry{
	BadFraming: {
		"http.bad_framing", http.StatusBadRequest, "The request's head or framing is malformed.",
		"Send HTTP/1.1 by the letter of RFC 9112: one Content-Length or one Transfer-Encoding, CRLF line ends, a Host header.",
	},
	HeadTooLarge: {
		"http.head_too_large", http.StatusRequestHeaderFieldsTooLarge, "The request's head is larger than the limit.",
		"Send fewer or shorter headers, or raise limits.head.",
	},
	HeadTimeout: {
		"http.head_timeout", http.StatusRequestTimeout, "The request's head did not arrive in time.",
		"Send the head at once, or raise policy.deadlines.head.",
	},
	BodyTooLarge: {
		"http.body_too_large", http.StatusRequestEntityTooLarge, "The request's body is larger than the limit.",
		"Send a smaller body, or raise policy.max_body. Only in strict mode and with a supergraph; otherwise such a body passes unread.",
	},
	BodyTimeout: {
		"http.body_timeout", http.StatusRequestTimeout, "The request's body did not arrive in time.",
		"Send the body without long pauses, or raise policy.deadlines.body.",
	},
	TooManyConnections: {
		"connections.too_many", http.StatusServiceUnavailable, "Too many connections are open.",
		"Try again, close idle connections, or raise limits.connections.",
	},
	Overload: {
		"overload", http.StatusServiceUnavailable, "The sidecar is short of memory.",
		"Try again; give the sidecar more memory or lower cache.max_bytes.",
	},
	Draining: {
		"draining", http.StatusServiceUnavailable, "The sidecar is shutting down.",
		"Try again: another instance answers.",
	},
	UpstreamConnect: {
		"upstream.connect", http.StatusBadGateway, "The upstream cannot be reached.",
		"Check that the service behind the sidecar runs and that `upstream` names its address.",
	},
	UpstreamTimeout: {
		"upstream.timeout", http.StatusGatewayTimeout, "The upstream did not accept a connection in time.",
		"Check the load of the service behind the sidecar, or raise policy.deadlines.connect.",
	},
	UpstreamClosed: {
		"upstream.closed", http.StatusBadGateway, "The upstream ended the connection before its answer was complete.",
		"Look into the upstream's log. Clients see the connection end, as they would without a sidecar.",
	},
	UpstreamOpen: {
		"upstream.breaker", http.StatusServiceUnavailable, "The upstream has failed too often, and is left alone for a moment.",
		"Try again after the time in Retry-After. Look into the upstream's log; policy.breaker.mode: observe sends requests there all the same.",
	},
	SubgraphConnect: {
		"subgraph.connect", http.StatusBadGateway, "A subgraph cannot be reached.",
		"Check that the subgraph runs and that the supergraph names its address.",
	},
	SubgraphTimeout: {
		"subgraph.timeout", http.StatusGatewayTimeout, "A subgraph did not answer in time.",
		"Check the load of the subgraph, or allow it more time.",
	},
	SubgraphClosed: {
		"subgraph.closed", http.StatusBadGateway, "A subgraph ended the connection before its answer was complete.",
		"Look into the log of the subgraph.",
	},
	SubgraphAnswer: {
		"subgraph.bad_answer", http.StatusBadGateway, "The answer of a subgraph cannot be read.",
		"Check what answers at the subgraph's address: it must be GraphQL as JSON, within the limit of size.",
	},
	SubgraphValue: {
		"subgraph.bad_value", http.StatusBadGateway, "A value from a subgraph does not fit the schema.",
		"Correct the subgraph, or compose the supergraph again.",
	},
	SubgraphOpen: {
		"subgraph.breaker", http.StatusServiceUnavailable, "A subgraph has failed too often, and is left alone for a moment.",
		"Look into the log of the subgraph; policy.breaker.mode: observe asks it all the same.",
	},
	SubscriptionMedia: {
		"subscription.media", http.StatusNotAcceptable, "A subscription has more than one answer, and the client takes one.",
		"Send Accept: text/event-stream (GraphQL over SSE, distinct connections mode), or subscribe over a WebSocket (graphql-transport-ws).",
	},
	SubscriptionLimit: {
		"subscription.limit", http.StatusServiceUnavailable, "Too many subscriptions are open.",
		"Try again, close subscriptions that nobody reads, or raise supergraph.subscriptions.max.",
	},
	SubscriptionSlow: {
		"subscription.slow", http.StatusServiceUnavailable, "The client reads its events too slowly, and was left behind.",
		"Subscribe again, and ask for what was missed; read without pauses, or raise supergraph.subscriptions.queue.",
	},
	SubscriptionLost: {
		"subscription.lost", http.StatusBadGateway, "The connection that the events came over is lost.",
		"Subscribe again after a moment, and ask for what was missed. Check that the subgraph runs and speaks the protocol of supergraph.subgraphs.NAME.subscriptions.",
	},
	SubscriptionChanged: {
		"subscription.changed", http.StatusServiceUnavailable, "The supergraph has changed.",
		"Subscribe again: the new supergraph answers.",
	},
	SubscriptionExpired: {
		"subscription.expired", http.StatusUnauthorized, "The token that the subscription began with has expired.",
		"Subscribe again with a new token.",
	},
	SocketProtocol: {
		"socket.protocol", http.StatusBadRequest, "The WebSocket handshake does not offer the protocol graphql-transport-ws.",
		"Use a client that speaks it, such as graphql-ws; the older protocol of subscriptions-transport-ws, whose name is graphql-ws, is not spoken.",
	},
	SocketHandshake: {
		"socket.handshake", http.StatusBadRequest, "The WebSocket handshake is not in order.",
		"Send what RFC 6455, section 4.1, asks for: HTTP/1.1, Connection: Upgrade, Upgrade: websocket, Sec-WebSocket-Version: 13 and Sec-WebSocket-Key. A proxy in front may have to be told to pass these on.",
	},
	SocketOrigin: {
		"socket.origin", http.StatusForbidden, "A page of another site may not connect with the credentials that its browser adds.",
		"List the host of the page in supergraph.websocket.origins.",
	},
	SocketOperations: {
		"socket.operations", http.StatusTooManyRequests, "Too many operations are under way on this connection.",
		"Wait for some to end, open another connection, or raise supergraph.websocket.operations.",
	},
	Unauthorized: {
		"UNAUTHORIZED_FIELD_OR_TYPE", http.StatusForbidden, "Unauthorized field or type.",
		"Send a token that is valid and has what @authenticated, @requiresScopes or @policy of the supergraph ask for; `weir plan` lists it for an operation.",
	},
	NotFound: {
		"http.not_found", http.StatusNotFound, "There is nothing at this path.",
		"Send GraphQL by POST, or by GET with `query`, to a path of policy.paths, by default /graphql: a sidecar with a supergraph has no other service behind it.",
	},
	BadRequest: {
		"BAD_REQUEST", http.StatusBadRequest, "The request is not a well-formed GraphQL request.",
		"Send a JSON object with the string `query` (GraphQL over HTTP, section 5).",
	},
	ParseFailed: {
		"GRAPHQL_PARSE_FAILED", http.StatusBadRequest, "The document is not GraphQL.",
		"Correct the syntax at the location given.",
	},
	ValidationFailed: {
		"GRAPHQL_VALIDATION_FAILED", http.StatusBadRequest, "The document does not fit the schema.",
		"Correct the fields and arguments at the locations given.",
	},
	BadUserInput: {
		"BAD_USER_INPUT", http.StatusBadRequest, "The variables do not fit the operation.",
		"Send variables of the types that the operation declares.",
	},
	BatchTooLarge: {
		"limit.batch", http.StatusBadRequest, "The batch has more operations than the limit.",
		"Send smaller batches, or raise policy.limits.batch.",
	},
	LimitExceeded: {
		"limit.operation", http.StatusBadRequest, "The operation is larger than a limit.",
		"Ask for less in one operation, or raise the limit of policy.limits that the message names.",
	},
	CostBudget: {
		"limit.cost", http.StatusBadRequest, "The operation costs more than its budget.",
		"Ask for fewer fields or shorter lists, or raise supergraph.budget or the budget of the subgraph that the message names; `weir plan` tells what each fetch costs.",
	},
	UnseenLimit: {
		"limit.unseen", http.StatusServiceUnavailable, "Too many operations that were not seen before came at once.",
		"Try again after the time in Retry-After; send values as variables and not in the document, or raise policy.unseen.per_second.",
	},
	IntrospectionDisabled: {
		"limit.introspection", http.StatusBadRequest, "Introspection is switched off.",
		"Use the published schema, or set policy.introspection to off or observe.",
	},
	GetMutation: {
		"request.get_mutation", http.StatusMethodNotAllowed, "Mutations are not accepted by GET.",
		"Send mutations by POST.",
	},
	UnsupportedMedia: {
		"request.media_type", http.StatusUnsupportedMediaType, "The request's media type is not one for GraphQL.",
		"Send Content-Type: application/json.",
	},
	RateLimited: {
		"lease.rate_limit", http.StatusTooManyRequests, "The operation is called more often than allowed at the moment.",
		"Try again after the time in Retry-After; see `weir-control get commands` for the reason.",
	},
	OperationDisabled: {
		"lease.disabled", http.StatusServiceUnavailable, "The operation is switched off at the moment.",
		"See `weir-control get commands` for the reason and the time at which it ends.",
	},
	Panic: {
		"internal", http.StatusInternalServerError, "A defect in the sidecar stopped this request.",
		"Report the log line of this time; other requests are not affected.",
	},
}

// All returns every code but None, in order.
func All() []Code {
	list := make([]Code, 0, end-1)
	for c := None + 1; c < end; c++ {
		list = append(list, c)
	}
	return list
}

func (c Code) row() entry {
	if c < end {
		return table[c]
	}
	return table[Panic]
}

// String returns the code's text; empty for None.
func (c Code) String() string { return c.row().name }

// Status returns the HTTP status that goes with the code.
func (c Code) Status() int { return c.row().status }

// Message says what happened.
func (c Code) Message() string { return c.row().message }

// Cure says what to do about it.
func (c Code) Cure() string { return c.row().cure }
