package join

import "net/http"

// A Refusal is why nobody joined. It is told to who asked, unless the token is wrong.
type Refusal struct {
	Why Why
	// Device is of whom the invitation is, "" where that is not known.
	Device string
	// Err is told to the device's user, with what to do.
	Err error
}

func (r *Refusal) Error() string { return r.Err.Error() }
func (r *Refusal) Unwrap() error { return r.Err }

// A Why is a reason.
type Why int

// The reasons, and what is answered.
const (
	// WrongID is an invitation that is not known (401).
	WrongID Why = iota
	// WrongSecret is a wrong secret of one that is (401, in the same words).
	WrongSecret
	// Expired is an invitation whose time is over (410).
	Expired
	// Used is one that another key has used (409).
	Used
	// KeyRevoked is a key that was revoked (403).
	KeyRevoked
	// KeyTaken is a key that another device has (412).
	KeyTaken
	// NameTaken is a name that another device has meanwhile (412: nobody has used the invitation, which 409 says).
	NameTaken
)

var statuses = map[Why]int{
	WrongID: http.StatusUnauthorized, WrongSecret: http.StatusUnauthorized, Expired: http.StatusGone,
	Used: http.StatusConflict, KeyRevoked: http.StatusForbidden,
	KeyTaken: http.StatusPreconditionFailed, NameTaken: http.StatusPreconditionFailed,
}

// String is how the reason is called in the log's counts.
func (w Why) String() string {
	return [...]string{"token", "token", "expired", "used", "revoked", "key", "name"}[w]
}
