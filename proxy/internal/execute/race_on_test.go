//go:build race

package execute

import "time"

// Under the race detector pools lose one thing in four on purpose, and reading takes many times as long.
const (
	underRace = true
	patience  = 2 * time.Second
)
