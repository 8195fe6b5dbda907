package api

import "time"

// Sidecar is what the server knows of one sidecar since the server's start.
type Sidecar struct {
	Service     string            `json:"service"`
	Instance    string            `json:"instance"`
	Environment string            `json:"environment,omitempty"`
	Program     string            `json:"program,omitempty"` // version of its program
	Labels      map[string]string `json:"labels,omitempty"`
	Connected   bool              `json:"connected"`
	Since       time.Time         `json:"since"` // of the connection, or of its loss
	LastHeard   time.Time         `json:"last_heard"`
	Version     uint64            `json:"version"` // configuration in force there, 0 for none
	Hash        string            `json:"hash,omitempty"`
	Want        uint64            `json:"want"`                // configuration it should have, 0 for none
	Nack        *Nack             `json:"last_nack,omitempty"` // newest refusal; stays until a newer version is acknowledged
	Commands    int               `json:"commands"`            // leases it said it obeys
	Refused     []Refusal         `json:"refused,omitempty"`   // commands it said it cannot obey
}

// Nack is a refused configuration.
type Nack struct {
	Version uint64    `json:"version"`
	Reason  string    `json:"reason"`
	At      time.Time `json:"at"`
}

// Refusal is a command that a sidecar does not obey.
type Refusal struct {
	ID     string `json:"id"`
	Reason string `json:"reason"`
}

// AuditEntry is one write.
type AuditEntry struct {
	Sequence uint64    `json:"sequence"`
	At       time.Time `json:"at"`
	Who      string    `json:"who"`              // name of the token that was used
	Claims   string    `json:"claims,omitempty"` // whom the caller says it acts for, unverified
	Action   string    `json:"action"`           // config.apply, command.issue, command.revoke
	Object   string    `json:"object"`           // scope and version, or the command's id and kind
	Before   string    `json:"before,omitempty"` // hash or state
	After    string    `json:"after,omitempty"`
	Reason   string    `json:"reason,omitempty"`
}
