// Package instant reads times as events, logs and recordings write them. It does nothing else, and keeps nothing.
package instant
