package store

import (
	"context"
	"errors"

	"github.com/xeroauth/xeroauth/internal/secret"
)

// Move copies accounts from one store to another, each copy proven by a read,
// calls switchOver, and only then removes the originals. locked names the
// account whose lock guards them all. Whatever fails before switchOver has
// returned leaves the originals as they were and takes the copies back; what
// stood in the target under those names is replaced. It reports whether there
// was anything to move.
func Move(ctx context.Context, from, to Store, locked string, accounts []string, switchOver func() error) (moved bool, err error) {
	unlock, err := lockBoth(ctx, from, to, locked)
	if err != nil {
		return false, err
	}
	defer unlock()
	// A signal must not stop a move half-way.
	ctx = context.WithoutCancel(ctx)
	var copied []string
	for _, account := range accounts {
		value, _, err := from.Load(ctx, account)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err == nil {
			// Before the copy: one that could not be proven may be there.
			copied = append(copied, account)
			err = replace(ctx, to, account, value)
		}
		if err != nil {
			return false, errors.Join(err, deleteAll(ctx, to, copied))
		}
	}
	if err := switchOver(); err != nil {
		return false, errors.Join(err, deleteAll(ctx, to, copied))
	}
	return len(copied) > 0, deleteAll(ctx, from, copied)
}

// lockBoth takes both stores' locks, always in the order of their names, so
// that two moves in opposite directions cannot wait for each other.
func lockBoth(ctx context.Context, a, b Store, account string) (unlock func(), err error) {
	if a.Name() > b.Name() {
		a, b = b, a
	}
	unlockA, err := a.Lock(ctx, account)
	if err != nil {
		return nil, err
	}
	unlockB, err := b.Lock(ctx, account)
	if err != nil {
		unlockA()
		return nil, err
	}
	return func() { unlockB(); unlockA() }, nil
}

func replace(ctx context.Context, s Store, account string, value secret.Text) error {
	_, version, err := s.Load(ctx, account)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	_, err = s.Save(ctx, account, value, version)
	return err
}

func deleteAll(ctx context.Context, s Store, accounts []string) (err error) {
	for _, account := range accounts {
		err = errors.Join(err, s.Delete(ctx, account))
	}
	return err
}
