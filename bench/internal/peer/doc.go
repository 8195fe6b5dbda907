// Package peer reads target files, finds the programs they name, renders their configuration, and starts them: the servers that a comparison measures. A
// target file says in YAML what a server is, how to tell that it is installed and how to install it, and how to start it; see Target.
//
// It starts processes through package fleet and stops them; it measures nothing. What is not installed is named with the line that installs it, and
// nothing is installed unasked.
package peer
