// Package flight lets one caller per key fetch while others wait for its result, each with its own patience. It also remembers for a
// time the keys whose results cannot be shared, so that their callers do not wait for each other.
package flight
