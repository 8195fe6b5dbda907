// Package cachecontrol reads what a response's Cache-Control says to a shared cache (RFC 9111, section 5.2.2; RFC 5861).
package cachecontrol
