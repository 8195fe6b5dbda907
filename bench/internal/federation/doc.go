// Package federation measures the supergraph mode with the federation kit (fedbench): processor time per request beside a floor written by hand, and beside
// Hive Router where that is installed, all in one run. The kit starts the subgraphs, checks every answer and takes the times; this package says what it is to
// run and judges what it found.
package federation
