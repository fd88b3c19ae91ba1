package doctor

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
)

// ProbeSuffix makes an account's name that of the doctor's own entry. No
// profile's name has the character.
const ProbeSuffix = "#doctor"

// checkStore sends a value of the largest size through the store to a second
// process, under an entry of its own, and takes it away again.
func (v *visit) checkStore(ctx context.Context) finding {
	if v.Stateless {
		return ok("not needed: nothing is kept")
	}
	if v.LockErr != nil {
		return v.storeTrouble(v.LockErr)
	}
	kept, _, err := v.Store.Load(ctx, v.Account)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return v.storeTrouble(err)
	}
	probe := v.Account + ProbeSuffix
	unlock, err := v.Store.Lock(ctx, probe)
	if err != nil {
		return v.storeTrouble(err)
	}
	defer unlock()
	word, err := v.sendProbe(ctx, probe)
	// Not with ctx: what was saved must go, whatever ended the check.
	if err := errors.Join(err, v.Store.Delete(context.WithoutCancel(ctx), probe)); err != nil {
		return v.storeTrouble(err)
	}
	if word != "" {
		return fail(v.Cmd("profiles move --store file"), "%s", word)
	}
	label := v.Store.Name()
	if label == "plain" {
		label += " (not encrypted)"
	}
	if kept.IsZero() {
		return ok("%s: %d bytes came through to a second process", label, store.MaxPacked)
	}
	return ok("%s: %d bytes came through to a second process; the session takes %d of them", label, store.MaxPacked, kept.Len())
}

// sendProbe returns what is wrong in words, or an error of the store's.
func (v *visit) sendProbe(ctx context.Context, probe string) (wrong string, err error) {
	if err := v.Store.Delete(ctx, probe); err != nil { // what a killed doctor left
		return "", err
	}
	text := strings.Repeat(rand.Text(), store.MaxPacked/len(rand.Text())+1)[:store.MaxPacked]
	if _, err := v.Store.Save(ctx, probe, secret.New(text), ""); err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(text))
	said, err := v.Second(ctx, SecondRead, probe)
	switch {
	case err != nil:
		return fmt.Sprintf("a second process could not be asked: %v", err), nil
	case said.Err != nil:
		return "", fmt.Errorf("in a second process: %w", said.Err)
	case said.Sum != hex.EncodeToString(sum[:]):
		return "a second process read something else than was saved", nil
	}
	return "", nil
}

func (v *visit) storeTrouble(err error) finding { return fail(v.Advise(err), "%v", err) }

// checkLock proves that two processes do not hold one lock, and that nobody
// holds the session's for long.
func (v *visit) checkLock(ctx context.Context) finding {
	if v.Stateless {
		return ok("not needed: nothing is kept")
	}
	if v.LockErr != nil {
		return v.storeTrouble(v.LockErr)
	}
	probe := v.Account + ProbeSuffix
	unlock, err := v.TryLock(ctx, probe)
	if err != nil {
		return v.storeTrouble(err)
	}
	held, err := v.Second(ctx, SecondLock, probe)
	unlock()
	if err == nil {
		err = held.Err
	}
	if err == nil && held.Locked {
		return fail("put the folder of locks on a disk of this machine", "two processes were given the same lock at once")
	}
	free, freeErr := v.Second(ctx, SecondLock, probe)
	if err = errors.Join(err, freeErr, free.Err); err != nil {
		return fail(v.Advise(err), "a second process could not try the lock: %v", err)
	}
	if !free.Locked {
		return fail("put the folder of locks on a disk of this machine", "a second process was not given a lock that is free")
	}
	unlock, err = v.TryLock(ctx, v.Account)
	var holder *store.LockError
	if errors.As(err, &holder) {
		return warn("if it stays so, end that process, then: "+v.Cmd("refresh"), "locks hold between two processes, but the session's is taken: %v", holder)
	}
	if err != nil {
		return v.storeTrouble(err)
	}
	unlock()
	return ok("a second process waits while this one holds it, and not longer")
}

func (v *visit) checkSession(ctx context.Context) finding {
	if v.Stateless {
		return ok("not needed: each process asks for a token of its own")
	}
	r, _, err := store.LoadRecord(ctx, v.Store, v.Account)
	login := v.Cmd("login")
	switch {
	case errors.Is(err, store.ErrNotFound):
		return fail(login, "there is no session")
	case store.IsClass(err, store.Newer), store.IsClass(err, store.Damaged):
		fix := login
		if store.IsClass(err, store.Newer) {
			fix = "update xeroauth; or drop that session: " + v.Cmd("logout")
		}
		return fail(fix, "%v", err)
	case err != nil:
		return v.storeTrouble(err)
	}
	now := v.Now()
	ended := !now.Before(r.Expiry)
	switch {
	case !r.RejectedAt.IsZero():
		return fail(login, "Xero refused its refresh token on %s", day(r.RejectedAt))
	case ended && !v.custom() && r.RefreshToken.IsZero():
		return fail(login, "it ended on %s, and has no refresh token to be renewed with", day(r.Expiry))
	case ended && !v.custom() && !now.Before(r.RefreshExpiry()):
		return fail(login, "its refresh token was not used for 60 days, and died on %s", day(r.RefreshExpiry()))
	}
	v.record = &r
	p := v.Profile
	switch {
	case r.ClientID != p.ClientID || r.App != p.App || r.Authority != p.Authority:
		return warn(v.Cmd("login --replace"), "it belongs to another app than the profile names (client id %s, %s), and the session decides", r.ClientID, r.App)
	case r.ObtainedAt.After(now):
		return warn(v.Cmd("refresh"), "it was obtained in the future: this machine's clock was set back")
	case !r.RefreshingSince.IsZero():
		return warn(v.Cmd("refresh"), "a refresh was cut off on %s; Xero takes the same refresh token for 30 minutes", day(r.RefreshingSince))
	}
	switch r.Generation {
	case 0:
		return ok("there is one, not renewed since the login")
	case 1:
		return ok("there is one, renewed once since the login")
	}
	return ok("there is one, renewed %d times since the login", r.Generation)
}

// day is a moment for people, in their own zone.
func day(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }
