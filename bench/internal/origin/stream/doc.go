// Package stream is the server's end of the three protocols that carry GraphQL subscriptions: graphql-transport-ws and the older graphql-ws over WebSocket,
// and graphql-sse (distinct connections) over server-sent events. It frames and counts; executing is the caller's.
package stream
