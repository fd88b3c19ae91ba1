package login

import (
	"context"
	"errors"
	"fmt"

	"github.com/xeroauth/xeroauth/internal/store"
)

// OtherUserError says that somebody else logged in than the session's user.
type OtherUserError struct{ Have, Got store.User }

func (e *OtherUserError) Error() string {
	return fmt.Sprintf("you logged in as %s, and the session is that of %s", describe(e.Got), describe(e.Have))
}

// OtherAppError says that the session is of another app.
type OtherAppError struct{ Have, Got string }

func (e *OtherAppError) Error() string {
	return fmt.Sprintf("the session is that of another app (client id %s, not %s)", e.Have, e.Got)
}

func describe(u store.User) string {
	switch {
	case u.Name != "" && u.Email != "":
		return u.Name + " <" + u.Email + ">"
	case u.Name+u.Email != "":
		return u.Name + u.Email
	}
	return "user " + u.ID
}

// Save puts a login's record in the place of the session that stands there.
type Save struct {
	Store   store.Store
	Account string
	// Replace allows another user or app than the session's.
	Replace bool
	// Before, under the lock and after all checks, writes what must be there
	// before the record counts: the profile and the client secret. old is the
	// record that will be replaced, zero if there is none.
	Before func(ctx context.Context, old store.Record) error
}

// Run saves r under the lock. A signal does not stop it. Errors:
// *OtherUserError, *OtherAppError, those of store and of Before.
func (s Save) Run(ctx context.Context, r store.Record) error {
	unlock, err := s.Store.Lock(ctx, s.Account)
	if err != nil {
		return err
	}
	defer unlock()
	ctx = context.WithoutCancel(ctx)
	old, version, err := store.LoadRecord(ctx, s.Store, s.Account)
	switch {
	case errors.Is(err, store.ErrNotFound), store.IsClass(err, store.Damaged):
		// Nothing to compare with, and nothing to lose.
	case err != nil:
		return err
	case s.Replace:
	case old.ClientID != r.ClientID || old.Authority != r.Authority:
		return &OtherAppError{Have: old.ClientID, Got: r.ClientID}
	case old.User.ID != "" && r.User.ID != "" && old.User.ID != r.User.ID:
		return &OtherUserError{Have: old.User, Got: r.User}
	}
	if err := s.Before(ctx, old); err != nil {
		return err
	}
	_, err = store.SaveRecord(ctx, s.Store, s.Account, r, version)
	return err
}
