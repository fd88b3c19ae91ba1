package keychain

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/zalando/go-keyring"

	"github.com/xeroauth/xeroauth/internal/store"
)

// Names of the Secret Service (https://specifications.freedesktop.org/secret-service/).
const (
	secretsName = "org.freedesktop.secrets"
	secretsRoot = "/org/freedesktop/secrets"
	// loginCollection is where go-keyring writes if it is there; otherwise it
	// writes to the default one.
	loginCollection = secretsRoot + "/collection/login"
	defaultAlias    = secretsRoot + "/aliases/default"

	secretInterface     = "org.freedesktop.Secret."
	propertiesInterface = "org.freedesktop.DBus.Properties"
)

// read reads an entry as go-keyring would, from the same collection and by the
// same attributes, with three answers to wait for instead of twelve. It never
// starts a bus, ends with ctx, and lets the system ask for the password only
// if c.MayPrompt.
func read(ctx context.Context, c Config, step, account string) (string, error) {
	name, ok := socket(c.BusAddress)
	if !ok {
		return readByLibrary(ctx, c, step, account)
	}
	limit := store.Limit(ctx, c.Limit)
	value, err := readFrom(ctx, name, limit, c, account)
	switch {
	case err == nil:
		return value, nil
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case errors.Is(err, keyring.ErrNotFound):
		return "", store.ErrNotFound
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "", failure(store.Timeout, step, fmt.Errorf("%w within %s", errNoAnswer, limit))
	}
	return "", classify(step, false, err)
}

func readFrom(ctx context.Context, name string, limit time.Duration, c Config, account string) (string, error) {
	b, err := dial(name, limit, c.Waiting)
	if err != nil {
		return "", err
	}
	defer b.conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = b.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	// gnome-keyring 42 to 50 dies of a client whose first message opens a
	// session, now and then (https://gitlab.gnome.org/GNOME/gnome-keyring/-/issues/190).
	// Then the keyring comes back locked. Hence a question before, and its answer.
	alias, err := b.readAlias()
	if err != nil {
		return "", err
	}
	s := &service{bus: b, account: account, session: b.openSession(), collection: loginCollection, alias: alias}
	value, err := s.get()
	if locked := (*lockedError)(nil); errors.As(err, &locked) && c.MayPrompt {
		if err := b.unlock(ctx, locked.path); err != nil {
			return "", err
		}
		value, err = s.get()
	}
	return value, err
}

// lockedError is an errLocked of the collection or item at path.
type lockedError struct{ path string }

func (e *lockedError) Error() string { return fmt.Sprintf("%v: %s", errLocked, e.path) }

func (e *lockedError) Unwrap() error { return errLocked }

// errGone is an item that somebody removed or replaced after it was found.
var errGone = errors.New("the entry is gone again")

// service is one read of one entry.
type service struct {
	*bus
	account, collection string
	// alias is the default collection, if there is one.
	alias string
	// session is the call that opens it.
	session uint32
	opened  string
}

// get reads the entry's secret, and looks once more for one that is gone.
func (s *service) get() (string, error) {
	value, err := s.find()
	if errors.Is(err, errGone) {
		value, err = s.find()
	}
	return value, err
}

// find finds the entry and reads its secret.
func (s *service) find() (string, error) {
	items, err := s.search()
	if err != nil {
		return "", err
	}
	if len(items) == 0 {
		return "", s.whyNothing()
	}
	if s.opened == "" {
		d, err := s.reply(s.session, "vo")
		if err != nil {
			return "", err
		}
		d.variant() // nothing: a plain session agrees on no key
		if s.opened = d.text(); d.bad {
			return "", errMessage
		}
	}
	var body encoder
	body.text(s.opened)
	d, err := s.reply(s.call(call{secretsName, items[0], secretInterface + "Item", "GetSecret", "o", body}), "(oayays)")
	if isNamed(err, "org.freedesktop.Secret.Error.IsLocked") {
		return "", &lockedError{items[0]}
	}
	if isMissing(err) {
		return "", fmt.Errorf("%w: %w", errGone, err)
	}
	if err != nil {
		return "", err
	}
	d.text()   // the session
	d.octets() // parameters, of which a plain session has none
	value := string(d.octets())
	if d.bad {
		return "", errMessage
	}
	return value, nil
}

// readAlias asks which collection is the default one: "" if there is none.
func (b *bus) readAlias() (string, error) {
	var body encoder
	body.text("default")
	d, err := b.reply(b.call(call{secretsName, secretsRoot, secretInterface + "Service", "ReadAlias", "s", body}), "o")
	if isMissing(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	path := d.text()
	switch {
	case d.bad:
		return "", errMessage
	case path == "/":
		return "", nil
	}
	return path, nil
}

// openSession asks for a session in which secrets cross the bus, which belongs
// to this user, as they are.
func (b *bus) openSession() uint32 {
	var body encoder
	body.text("plain")
	body.signature("s")
	body.text("")
	return b.call(call{secretsName, secretsRoot, secretInterface + "Service", "OpenSession", "sv", body})
}

// search finds the entry's items, in the login collection or, where that is
// missing, in the default one.
func (s *service) search() ([]string, error) {
	items, err := s.searchIn(s.collection)
	if s.collection != loginCollection || !isMissing(err) {
		return items, err
	}
	if s.alias == "" {
		return nil, fmt.Errorf("%w at %s", errNoCollection, defaultAlias)
	}
	s.collection = s.alias
	return s.searchIn(s.collection)
}

func (s *service) searchIn(collection string) ([]string, error) {
	var body encoder
	body.array(8, func() {
		for _, a := range [][2]string{{"service", Service}, {"username", s.account}} {
			body.align(8)
			body.text(a[0])
			body.text(a[1])
		}
	})
	d, err := s.reply(s.call(call{secretsName, collection, secretInterface + "Collection", "SearchItems", "a{ss}", body}), "ao")
	if err != nil {
		return nil, err
	}
	items := d.paths()
	if d.bad {
		return nil, errMessage
	}
	return items, nil
}

// whyNothing tells an entry that is not there from a collection that does not
// show what it holds.
func (s *service) whyNothing() error {
	var body encoder
	body.text(secretInterface + "Collection")
	body.text("Locked")
	d, err := s.reply(s.call(call{secretsName, s.collection, propertiesInterface, "Get", "ss", body}), "v")
	if err != nil {
		return err
	}
	locked, ok := d.variant().(bool)
	switch {
	case !ok:
		return errMessage
	case locked:
		return &lockedError{s.collection}
	}
	return keyring.ErrNotFound
}

// unlock has the system ask for the password of a collection or an item. A
// dialog that nobody has answered when the time is over is taken away.
func (b *bus) unlock(ctx context.Context, path string) error {
	var body encoder
	body.array(4, func() { body.text(path) })
	d, err := b.reply(b.call(call{secretsName, secretsRoot, secretInterface + "Service", "Unlock", "ao", body}), "aoo")
	if err != nil {
		return err
	}
	unlocked := d.paths()
	prompt := d.text()
	switch {
	case d.bad:
		return errMessage
	case prompt == "/" && len(unlocked) > 0:
		return nil
	case prompt == "/":
		return &lockedError{path}
	}
	dismissed, err := b.prompt(prompt)
	if errors.Is(err, os.ErrDeadlineExceeded) || ctx.Err() != nil {
		b.dismiss(prompt)
	}
	if err == nil && dismissed {
		err = &lockedError{path}
	}
	return err
}

// prompt opens a dialog and waits for its end.
func (b *bus) prompt(path string) (dismissed bool, err error) {
	var match, window encoder
	match.text("type='signal',interface='" + secretInterface + "Prompt',path='" + path + "'")
	b.call(call{busName, busPath, busName, "AddMatch", "s", match})
	window.text("") // we have none
	if _, err := b.reply(b.call(call{secretsName, path, secretInterface + "Prompt", "Prompt", "s", window}), ""); err != nil {
		return false, err
	}
	m, err := b.wait(func(m message) bool { return m.kind == signal && m.path == path && m.member == "Completed" })
	if err == nil {
		err = m.is("bv")
	}
	if err != nil {
		return false, err
	}
	dismissed = m.body.number() != 0
	if m.body.bad {
		err = errMessage
	}
	return dismissed, err
}

// dismiss takes a dialog off the screen. It waits for the answer, because the
// program may end as soon as it is done.
func (b *bus) dismiss(path string) {
	b.waitUntil(time.Now().Add(time.Second))
	_, _ = b.reply(b.call(call{secretsName, path, secretInterface + "Prompt", "Dismiss", "", nil}), "")
}

func isNamed(err error, name string) bool {
	var e dbus.Error
	return errors.As(err, &e) && e.Name == name
}

// isMissing reports an object that is not there, in any service's words.
func isMissing(err error) bool {
	for _, name := range []string{"org.freedesktop.Secret.Error.NoSuchObject", "org.freedesktop.DBus.Error.UnknownObject", "org.freedesktop.DBus.Error.UnknownMethod", "org.freedesktop.DBus.Error.UnknownInterface"} {
		if isNamed(err, name) {
			return true
		}
	}
	return false
}
