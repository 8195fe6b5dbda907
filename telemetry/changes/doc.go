// Package changes reads records from Kafka topics and hands them over in batches: what other systems say has changed.
//
// With a Group all processes that name it share the topics' partitions, and the place up to which they have read is kept by Kafka. It moves
// only after Obey has returned: a record is handed over at least once, to whoever has the partition then, and none is skipped by a process
// that dies. A group that has no place yet begins with the records of the time since Config.Since.
//
// Without a Group each process reads all partitions from the records of the time Since on, which is when it had nothing that a change could
// concern, less a margin for clocks and for records that are late.
//
// What the topic has dropped before it was read (retention, a broker that lost data, a topic that was created again) is reported by
// Lost before anything that follows is handed over: nobody knows what it said.
//
// It never interprets a record, never waits for Kafka on a caller's path, and never drops a record: while Obey waits, nothing more is read
// than one fetch.
package changes
