// Package hub hands changes of entities to whoever subscribed to them. Publishing never waits: a subscriber that is too slow loses events, and the loss is
// counted, so that the origin's truth says so.
package hub
