// Package remote is everything that talks to Redis: the connection, which is made when Redis is there and never waited for, the shared
// tier of values, and the fleet's log of invalidations (a Stream). It retries nothing by itself: a read has a small budget, a write waits
// in a bounded queue, and the log's journal asks again. Every command and every script has one key, so that none is refused while a slot of a
// cluster moves. Rights lists the commands.
package remote
