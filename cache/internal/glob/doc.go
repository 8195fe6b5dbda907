// Package glob matches names with prefixes and with patterns, in which * stands for any run of bytes. It allocates nothing and takes time in
// proportion to the pattern times the name at worst.
package glob
