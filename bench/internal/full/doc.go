// Package full makes every measurement there is, one part after the other, and writes them down: a JSON file for each part, the pictures, and RESULTS.md, which
// says first what does not hold. A part that fails costs the others nothing; what one run has measured the next one keeps until it measures it anew.
package full
