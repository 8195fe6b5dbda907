// Package change turns what other systems say has changed into invalidations: records of change data capture in Debezium's envelope (JSON,
// with or without its schema), and plain JSON in the form of POST /cache/invalidate; both also inside a CloudEvent.
//
// A row's change names its entity by the key column (Type:id), the lists of the type (list:Type), and what the table's templates say. Where
// a record does not tell enough it names more, never less: no key means the whole type, a truncated table all that its templates could have
// named. Many names of one type in a batch become the type.
//
// A record that cannot be read is counted, logged at most once a minute for its topic, without its content, and skipped: what it meant is
// not known. A table without a mapping is counted and ignored.
package change
