// Package remote is everything that talks to Redis: the connection, which is made when Redis is there and never waited for, the shared
// tier of values, and the fleet's log of invalidations (a Stream). It retries nothing by itself: a read has a small budget, a write waits
// in a bounded queue, and the log's journal asks again. Commands used: GET, SET, XADD, XREAD, EVAL (in it XRANGE, XREVRANGE, INFO, TIME).
package remote
