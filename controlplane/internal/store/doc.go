// Package store keeps what the control plane must not forget, in etcd: documents with their versions, commands, the audit trail. Every write is one
// transaction, with its audit entry in it; a version or generation is given out once.
//
// etcd runs inside this process and listens on nothing but two Unix sockets in its data folder; the store talks to it by function calls. What etcd itself
// has to say goes to etcd.log in that folder, warnings and above only.
//
// It never talks to sidecars and checks no permissions; it does not know what a document means. Messages it returns are shared with nobody, those of a View
// are shared by all readers and must not be changed.
package store
