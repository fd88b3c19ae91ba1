package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/xeroauth/xeroauth/internal/secret"
)

// Local is a Store on this machine, made from three plain calls. Versions are
// hashes of the values, the lock is a file lock, and proof is a second read.
type Local struct {
	StoreName string
	Locks     *Locks
	// Get returns ErrNotFound or *Error; Set replaces in one atomic step;
	// Remove returns ErrNotFound when there is nothing to remove.
	Get    func(ctx context.Context, account string) (secret.Text, error)
	Set    func(ctx context.Context, account string, value secret.Text) error
	Remove func(ctx context.Context, account string) error
}

// Name implements Store.
func (l *Local) Name() string { return l.StoreName }

// Load implements Store.
func (l *Local) Load(ctx context.Context, account string) (secret.Text, Version, error) {
	value, err := l.Get(ctx, account)
	if err != nil {
		return secret.Text{}, "", err
	}
	return value, versionOf(value), nil
}

// Save implements Store.
func (l *Local) Save(ctx context.Context, account string, value secret.Text, replaces Version) (Version, error) {
	_, present, err := l.Load(ctx, account)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return "", err
	}
	if present == versionOf(value) {
		return present, nil // an earlier try wrote it and could not prove it
	}
	if present != replaces {
		return "", ErrReplaced
	}
	if err := l.Set(ctx, account, value); err != nil {
		return "", err
	}
	kept, err := l.Get(ctx, account)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return "", err
	}
	if !kept.Equal(value) {
		return "", &Error{Store: l.StoreName, Class: Unproven, Step: fmt.Sprintf("saving %q", account), Err: errors.New("the store said yes and kept something else")}
	}
	return versionOf(value), nil
}

// Delete implements Store.
func (l *Local) Delete(ctx context.Context, account string) error {
	if err := l.Remove(ctx, account); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	_, err := l.Get(ctx, account)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return &Error{Store: l.StoreName, Class: Unproven, Step: fmt.Sprintf("deleting %q", account), Err: errors.New("the store said yes and kept the entry")}
}

// Lock implements Store.
func (l *Local) Lock(ctx context.Context, account string) (func(), error) {
	return l.Locks.Take(ctx, LockName(l.StoreName, account))
}

// LockName is the name of the lock that guards an account of a Local.
func LockName(storeName, account string) string { return storeName + "-" + account }

func versionOf(value secret.Text) Version {
	sum := sha256.Sum256([]byte(value.Reveal()))
	return Version(hex.EncodeToString(sum[:]))
}

// Probe proves that s takes and gives back a value of the largest size that a
// record may have, under an entry of its own beside account, and leaves
// nothing behind. It takes the account's lock.
func Probe(ctx context.Context, s Store, account string) error {
	unlock, err := s.Lock(ctx, account)
	if err != nil {
		return err
	}
	defer unlock()
	probe := account + "#probe"
	if err := s.Delete(ctx, probe); err != nil {
		return err
	}
	filler := make([]byte, MaxPacked)
	for i := range filler {
		filler[i] = "0123456789abcdefghijklmnopqrstuv"[i%32]
	}
	_, saveErr := s.Save(ctx, probe, secret.New(string(filler)), "")
	return errors.Join(saveErr, s.Delete(ctx, probe))
}
