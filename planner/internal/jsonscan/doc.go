// Package jsonscan reads JSON text in place. It validates, skips values, walks members and undoes string escapes, over
// offsets into the caller's slice.
//
// It accepts exactly the grammar of RFC 8259 (the language of encoding/json.Valid) within a nesting limit given by the
// caller. It never allocates, never copies except where a function is named Append, never decides what a number means
// and never checks that strings are valid UTF-8.
//
// Ownership: every position and slice refers to the caller's text and is good for as long as that text is not changed.
package jsonscan
