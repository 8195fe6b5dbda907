// Package coherence holds a fleet of shipped sidecars to what invalidation promises, while everything that can happen to Redis happens: the
// fleet runs on real redis-server processes, under a load of several users that read and change entities all the time, and every answer is
// compared with the mutations that were acknowledged before it was asked for.
package coherence
