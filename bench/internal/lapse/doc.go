// Package lapse lets time pass.
package lapse
