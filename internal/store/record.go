package store

import (
	"context"
	"time"

	"github.com/xeroauth/xeroauth/internal/secret"
)

// RefreshLifetime is how long an unused refresh token lives (docs/xero.md
// section 2).
const RefreshLifetime = 60 * 24 * time.Hour

// User is who logged in. The texts come from outside.
type User struct{ ID, Name, Email string }

// Record is one session: the token set of one profile with what is known of
// it. Times have whole seconds. Keep records in local variables or exported
// fields; their secrets print as [redacted].
type Record struct {
	// ClientID, App and Authority are those that the tokens were issued for.
	ClientID, App, Authority  string
	AccessToken, RefreshToken secret.Text
	// ObtainedAt is when the access token was asked for, by this machine's
	// clock; RefreshObtainedAt the same of the refresh token.
	ObtainedAt, Expiry, RefreshObtainedAt time.Time
	// Scopes are those granted.
	Scopes []string
	User   User
	// Generation counts the rotations since login.
	Generation int
	// RefreshingSince, when set, says that a refresh was begun and that nobody
	// wrote down its end.
	RefreshingSince time.Time
	// RejectedAt, when set, says that Xero refused the refresh token for good.
	RejectedAt time.Time
	// WritebackDue, when set, says that the session was renewed and still has to
	// be written back to where the next job will read it.
	WritebackDue bool
}

// RefreshExpiry is when the refresh token dies if it is not used; zero when
// there is none.
func (r Record) RefreshExpiry() time.Time {
	if r.RefreshToken.IsZero() {
		return time.Time{}
	}
	return r.RefreshObtainedAt.Add(RefreshLifetime)
}

// LoadRecord loads and unpacks account's record. A record that cannot be read
// is an *Error of class Damaged or Newer, with its version, so that whoever
// may replace it can.
func LoadRecord(ctx context.Context, s Store, account string) (Record, Version, error) {
	value, version, err := s.Load(ctx, account)
	if err != nil {
		return Record{}, "", err
	}
	r, err := Unpack(account, value)
	if err != nil {
		return Record{}, version, &Error{Store: s.Name(), Class: unpackClass(err), Step: "reading the session", Err: err}
	}
	return r, version, nil
}

// SaveRecord packs and saves a record in place of the version named. The
// caller holds the lock.
func SaveRecord(ctx context.Context, s Store, account string, r Record, replaces Version) (Version, error) {
	value, err := Pack(account, r)
	if err != nil {
		return "", &Error{Store: s.Name(), Class: TooBig, Step: "saving the session", Err: err}
	}
	return s.Save(ctx, account, value, replaces)
}
