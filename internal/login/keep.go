package login

import (
	"context"
	"errors"
	"fmt"

	"github.com/xeroauth/xeroauth/internal/secret"
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
	// Former is the session that the login began with; it counts where Store
	// holds none, because another store does.
	Former *store.Record
	// After, under the lock, writes what belongs to the new record: the client
	// secret and the profile. old is the record that was replaced, zero if there
	// was none. If it fails the old record is put back.
	After func(ctx context.Context, old store.Record) error
}

// Run saves r under the lock, and what belongs to it only then: a login that
// fails or dies on the way leaves either session whole. A signal does not stop
// it. Errors: *OtherUserError, *OtherAppError, those of store and of After.
func (s Save) Run(ctx context.Context, r store.Record) error {
	unlock, err := s.Store.Lock(ctx, s.Account)
	if err != nil {
		return err
	}
	defer unlock()
	ctx = context.WithoutCancel(ctx)
	before, version, err := s.Store.Load(ctx, s.Account)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	old, err := s.check(ctx, r)
	if err != nil {
		return err
	}
	saved, err := store.SaveRecord(ctx, s.Store, s.Account, r, version)
	if err != nil {
		return err
	}
	if err := s.After(ctx, old); err != nil {
		return errors.Join(err, s.putBack(ctx, before, saved))
	}
	return nil
}

// check returns the record that will be replaced, if r may replace it.
func (s Save) check(ctx context.Context, r store.Record) (store.Record, error) {
	old, _, err := store.LoadRecord(ctx, s.Store, s.Account)
	switch {
	case errors.Is(err, store.ErrNotFound), store.IsClass(err, store.Damaged):
		if s.Former == nil {
			return store.Record{}, nil
		}
		old = *s.Former
	case err != nil:
		return store.Record{}, err
	}
	switch {
	case s.Replace:
	case old.ClientID != r.ClientID || old.Authority != r.Authority:
		return old, &OtherAppError{Have: old.ClientID, Got: r.ClientID}
	case old.User.ID != "" && r.User.ID != "" && old.User.ID != r.User.ID:
		return old, &OtherUserError{Have: old.User, Got: r.User}
	}
	return old, nil
}

func (s Save) putBack(ctx context.Context, before secret.Text, saved store.Version) error {
	if before.IsZero() {
		return s.Store.Delete(ctx, s.Account)
	}
	_, err := s.Store.Save(ctx, s.Account, before, saved)
	return err
}
