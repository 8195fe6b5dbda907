package codec

import "errors"

// ErrCorrupt is every Reason: the value is none.
var ErrCorrupt = errors.New("codec: value cannot be read")

// Reason says why a value is none. It is an error.
type Reason uint8

// Reasons.
const (
	// Damaged: cut off, a wrong checksum, lengths that do not fit.
	Damaged Reason = iota
	// Foreign: of another program, another version of the format, or another key.
	Foreign
	// Unsealed: plain, though this process takes sealed values only. Anybody who can write to Redis could have made it.
	Unsealed
	// UnknownKey: sealed with a key that this process does not have.
	UnknownKey
	// Forged: sealed, but not as it stands, for this name and in this namespace.
	Forged
	// TooBig: it would become larger than this process takes.
	TooBig
	reasons
)

// Reasons are the names of all reasons by their values.
var Reasons = [reasons]string{"damaged", "foreign", "unsealed", "unknown_key", "forged", "too_big"}

// Error implements error.
func (r Reason) Error() string { return "codec: value is " + Reasons[r] }

// Is says that each reason is ErrCorrupt.
func (r Reason) Is(target error) bool { return target == ErrCorrupt }
