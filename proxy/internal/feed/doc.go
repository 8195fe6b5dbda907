// Package feed subscribes to subgraphs over graphql-transport-ws (github.com/enisdenjo/graphql-ws, PROTOCOL.md) or an event stream
// (github.com/enisdenjo/graphql-sse) and hands each event to all who asked for the same. Identical subscriptions share one upstream, which ends with the
// last of them. Nobody waits for a reader: one that is a whole queue behind is dropped.
//
// It knows nothing of plans or clients. Locks are taken in the order Hub.mu, source.mu. Events are shared by all feeds and never changed.
package feed
