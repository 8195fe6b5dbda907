package api

// Error is what the API says when it refuses. Code is stable, Cure tells what to do.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Cure    string `json:"cure,omitempty"`
	Status  int    `json:"-"` // HTTP status
}

// Error is message and cure.
func (e *Error) Error() string {
	if e.Cure == "" {
		return e.Message
	}
	return e.Message + ": " + e.Cure
}

// invalid is a refusal of what the caller sent.
func invalid(code, message, cure string) *Error {
	return &Error{Code: code, Message: message, Cure: cure, Status: 400}
}
