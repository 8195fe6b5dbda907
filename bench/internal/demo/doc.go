// Package demo shows the whole line to a newcomer: the shipped binaries beside an origin with real data, a Kafka-protocol broker and Redis, a small Zipf
// load, a live view, and a script that changes configuration, sends a command, mutates an entity, stops the origin and starts it again. Each step says what it
// expects and what it saw, waits a bounded time, and fails the demo when the two differ.
//
// It starts processes and ends every one it started; its files live in a temporary folder that is kept only when a step failed.
package demo
