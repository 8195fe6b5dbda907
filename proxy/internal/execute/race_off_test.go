//go:build !race

package execute

import "time"

const (
	underRace = false
	patience  = 300 * time.Millisecond // with a subgraph that is slow on purpose
)
