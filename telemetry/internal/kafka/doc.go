// Package kafka is what the producer of events and the reader of changes have in common: how brokers are reached (TLS, SASL), and the log
// lines about it. It never keeps a secret: credentials are asked for with each connection, and appear in no error and no line.
package kafka
