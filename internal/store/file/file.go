// Package file keeps each entry in a file of its own, encrypted with age
// (store "file") or, only where a person asked for it by name, not at all
// (store "plain"). It refuses files that others can read, and it makes no key
// and takes no passphrase: a key beside its ciphertext protects nothing, and
// scrypt would cost a second for each read.
package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"github.com/xeroauth/xeroauth/internal/atomicfile"
	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
)

// The names by which users choose these stores.
const (
	Name      = "file"
	PlainName = "plain"
)

// maxFile bounds what is read of an entry's file, in bytes.
const maxFile = 1 << 20

// Config says where the files are and how to read them.
type Config struct {
	// Dir is made on the first save, 0700.
	Dir   string
	Locks *store.Locks
	// Key returns an age identity in its text form ("AGE-SECRET-KEY-1…"). It is
	// called once a read or save.
	Key func() (secret.Text, error)
}

// New returns the encrypted store.
func New(c Config) store.Store { return c.local(Name, ".age", c.seal, c.open) }

// NewPlain returns the unencrypted store. It uses no key.
func NewPlain(c Config) store.Store {
	keep := func(b []byte) ([]byte, error) { return b, nil }
	return c.local(PlainName, ".txt", keep, keep)
}

func (c Config) local(name, ext string, seal, open func([]byte) ([]byte, error)) store.Store {
	path := func(account string) string { return filepath.Join(c.Dir, account+ext) }
	fail := func(verb, account string, err error) error {
		return classify(name, fmt.Sprintf("%s %s", verb, path(account)), err)
	}
	return &store.Local{
		StoreName: name, Locks: c.Locks,
		Get: func(_ context.Context, account string) (secret.Text, error) {
			b, err := read(path(account))
			if err == nil {
				b, err = open(b)
			}
			if err != nil {
				return secret.Text{}, fail("reading", account, err)
			}
			return secret.New(string(b)), nil
		},
		Set: func(_ context.Context, account string, value secret.Text) error {
			b, err := seal([]byte(value.Reveal()))
			if err == nil {
				err = errors.Join(atomicfile.RemoveLeftovers(path(account)), atomicfile.Write(path(account), b))
			}
			if err != nil {
				return fail("saving", account, err)
			}
			return nil
		},
		Remove: func(_ context.Context, account string) error {
			if err := errors.Join(os.Remove(path(account)), atomicfile.RemoveLeftovers(path(account))); err != nil {
				return fail("deleting", account, err)
			}
			return nil
		},
	}
}

func read(path string) ([]byte, error) {
	f, err := atomicfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if err := checkPrivate(f, filepath.Dir(path)); err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = errors.New("the file is far too large")
	}
	return b, err
}

var (
	errNoKey    = errors.New("no key for the file store is given")
	errBadKey   = errors.New("the key for the file store is not an age identity (AGE-SECRET-KEY-1…)")
	errWrongKey = errors.New("the key does not open this file, or the file is damaged")
)

func (c Config) identity() (*age.X25519Identity, error) {
	text, err := c.Key()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoKey, err)
	}
	if text.IsZero() {
		return nil, errNoKey
	}
	// age-keygen's files have comment lines around the identity.
	for line := range strings.Lines(text.Reveal()) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		id, err := age.ParseX25519Identity(line)
		if err != nil {
			return nil, errBadKey // age's own text quotes the key
		}
		return id, nil
	}
	return nil, errBadKey
}

func (c Config) seal(b []byte) ([]byte, error) {
	id, err := c.identity()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, id.Recipient())
	if err != nil {
		return nil, err
	}
	_, err = w.Write(b)
	if err := errors.Join(err, w.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func (c Config) open(b []byte) ([]byte, error) {
	id, err := c.identity()
	if err != nil {
		return nil, err
	}
	r, err := age.Decrypt(bytes.NewReader(b), id)
	if err != nil {
		return nil, errWrongKey
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		return nil, errWrongKey
	}
	return plain, nil
}

func classify(name, step string, err error) error {
	class := store.NotWritable
	switch {
	case errors.Is(err, errNoKey), errors.Is(err, errBadKey):
		// Before all others: a key's file may be missing too.
		return &store.Error{Store: name, Class: store.NoKey, Step: step, Err: err}
	case errors.Is(err, fs.ErrNotExist):
		return store.ErrNotFound
	case errors.Is(err, errNotPrivate):
		class = store.Permissions
	case errors.Is(err, errWrongKey):
		class = store.WrongKey
	case errors.Is(err, fs.ErrPermission):
		class = store.Denied
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err // the step names the file
	}
	return &store.Error{Store: name, Class: class, Step: step, Err: err}
}
