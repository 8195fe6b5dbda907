// Command weir-bench demonstrates, loads and measures Weir from outside.
package main
