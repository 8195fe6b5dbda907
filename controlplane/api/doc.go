// Package api is the language of the control plane: what a configuration document and a command are, which of them are valid, the bytes that are hashed and
// signed, and the JSON forms of the HTTP API. The stream between sidecar and server is defined in weirv1.
//
// It is a leaf: it opens no connection, reads no file and no clock, starts no goroutine and holds no state. Byte slices that are handed in are neither kept
// nor changed; what is returned belongs to the caller.
//
// # HTTP API
//
// All paths want `Authorization: Bearer TOKEN` of an admin, except /healthz; `Weir-Actor: NAME` says for whom the call is, for the audit trail. Bodies and answers are JSON unless said otherwise; an error is
// {"error":{"code":"…","message":"…","cure":"…"}}.
//
//	PUT    /v1/config?service=S&if_version=N&dry_run=true&reason=R&version=N  body: the YAML document; answer: Document without config
//	GET    /v1/config?service=S&version=N                           Document; `Accept: application/yaml` gives the bytes alone
//	GET    /v1/versions?service=S&limit=N                           {"versions":[Document…]}, newest first, without config
//	GET    /v1/sidecars                                             {"sidecars":[Sidecar…]}
//	POST   /v1/commands                                             body: CommandSpec; answer: Command
//	GET    /v1/commands                                             {"commands":[Command…]}, those in force
//	DELETE /v1/commands/{id}?reason=R                               the revoked Command
//	GET    /v1/audit?limit=N                                        {"audit":[AuditEntry…]}, newest first
//	GET    /healthz                                                 "ok"
package api

//go:generate protoc -I weirv1 --go_out=weirv1 --go_opt=paths=source_relative --connect-go_out=weirv1 --connect-go_opt=paths=source_relative control.proto
