// Package event holds the types of the events that leave a sidecar, for those who read them. The sidecar writes them by hand, without
// these types; tests hold the two together.
package event
