// Package soak runs the whole of Weir (origin, Redis, broker, control plane, two sidecars) under a mixed load with faults, restarts, reloads and invalidations
// for minutes, samples what each sidecar takes, and judges by a robust slope whether any of it grows. It starts processes and ends every one of them; answers
// are checked for staleness, of which there must be none.
package soak
