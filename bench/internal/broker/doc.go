// Package broker is a Kafka-protocol broker in the process, for the demo and for tests: one node on a free loopback port with Weir's topics. It keeps
// records in memory, does not replicate, and is never meant for production.
package broker
