//go:build !linux

package main

// forgetStart does nothing where there is no madvise.
func forgetStart() {}
