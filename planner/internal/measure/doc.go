// Package measure counts what makes a document big: its tokens before it is parsed, and of a parsed operation its depth,
// aliases, root fields, directives, and how many fields it has once every fragment is written out where it is spread.
//
// Since it reads tokens as the specification has them, it also says, by Plain, how to spell a document such that the lexer
// of our parser reads it so too.
//
// It needs no schema and never judges: limits are the caller's. Its work is linear in the size of the document, also for
// documents whose expansion is exponential, and numbers stop at a maximum instead of running over.
//
// Ownership: nothing of the document is kept.
package measure
