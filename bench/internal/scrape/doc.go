// Package scrape reads what servers say of themselves over HTTP: bodies, and metrics in the Prometheus text format. It keeps nothing and retries nothing.
package scrape
