// Package rest is the HTTP API for people and programs: it reads a request, asks the store or the streams, and writes JSON. Paths and forms are documented in
// package api. It keeps nothing between requests and knows nothing of etcd.
package rest
