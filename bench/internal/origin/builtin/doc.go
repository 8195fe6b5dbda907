// Package builtin holds the fields that every schema of the origin has: a text of any size, and a clock to subscribe to.
package builtin
