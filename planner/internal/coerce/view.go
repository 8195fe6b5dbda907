package coerce

import "unsafe"

// view lends b to a function that takes a string. Rule: the function must not keep the string, and b must not change
// while it runs; strconv.ParseFloat copies what it keeps for its error.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
