// Package live shows a few lines that change in place at the bottom of a terminal, with other lines scrolling above them. It draws text it is given; where
// there is no terminal it prints the scrolling lines only.
package live
