package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/xeroauth/xeroauth/internal/login"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/store/file"
	"github.com/xeroauth/xeroauth/internal/term"
)

// canOfferStore reports whether a save failed because of the store, so that
// another may take the session.
func (a *App) canOfferStore(err error) bool {
	var e *store.Error
	return errors.As(err, &e) && a.mayAsk()
}

// offerStores asks where else to keep a session that the chosen store did not
// take: the person has consented, and it must not be for nothing.
func (a *App) offerStores(ctx context.Context, plan *loginPlan, unsaved *login.UnsavedError) error {
	a.warn("you are logged in, but the session could not be saved: %v", unsaved.Err)
	for _, name := range []string{file.Name, file.PlainName} {
		if name == plan.profile.Store {
			continue
		}
		question := fmt.Sprintf("%skeep it in the store %q instead? [y/N] ", prefix, name)
		if name == file.PlainName {
			question = fmt.Sprintf("%skeep it UNENCRYPTED in the store %q instead? [y/N] ", prefix, name)
		}
		answer, err := term.Ask(ctx, a.Stdin, a.Stderr, question)
		if err != nil {
			return err
		}
		if !strings.EqualFold(strings.TrimSpace(answer), "y") {
			continue
		}
		if err := a.keepElsewhere(ctx, plan, name, unsaved.Tokens); err != nil {
			a.warn("that store did not take it either: %v", err)
			continue
		}
		return nil
	}
	return unsaved
}

func (a *App) keepElsewhere(ctx context.Context, plan *loginPlan, name string, t login.Tokens) error {
	if err := a.prepareStore(ctx, name); err != nil {
		return err
	}
	st, err := a.openStore(name, plan.dir)
	if err != nil {
		return err
	}
	other := *plan
	other.store, other.profile.Store, other.newSecret = st, name, plan.app.Secret
	if err := a.keepLogin(ctx, &other, t); err != nil {
		return err
	}
	*plan = other
	return nil
}
