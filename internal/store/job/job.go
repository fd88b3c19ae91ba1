// Package job keeps the session of one CI job (store "job"): an environment
// variable seeds it, and an encrypted file beside the job carries it from step
// to step and between processes, because a renewed session makes the variable
// stale. It promises that the file holds nothing that the variable does not
// open, and that nobody else's file or folder is believed. It writes the
// session nowhere else: that is the writeback's business (session.Writeback).
package job

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/xeroauth/xeroauth/internal/atomicfile"
	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
)

const (
	// Name is the store's name in status.
	Name = "job"
	// Account is the one account that the store has.
	Account = "job"
)

// header begins the file and is authenticated with the rest.
const header = "xeroauth job 1\n"

// maxFile bounds what is read of the file, in bytes.
const maxFile = 1 << 20

// Config says what a job has.
type Config struct {
	// Dir is a folder of the store's own, made 0700 on the first lock or save;
	// the folder that it is in must be there. One that is somebody else's, or
	// that others have any right to, is refused.
	Dir string
	// Value is the variable's.
	Value secret.Text
	// Wait and Holder are those of store.Locks. The locks stand beside the file:
	// that is what the processes share, and a job may have no home.
	Wait   time.Duration
	Holder string
}

// Store is a store.Store over the job's file and, while there is none, over
// the seed itself.
type Store struct {
	store.Local
	// Seed is what the variable holds.
	Seed Seed
	// Path is the file.
	Path string

	packed secret.Text
	key    []byte
}

// New reads the seed and touches no file. Errors: ErrSeed, ErrNewerSeed.
func New(c Config) (*Store, error) {
	seed, err := ParseSeed(c.Value)
	if err != nil {
		return nil, err
	}
	packed, err := store.Pack(Account, seed.Record)
	if err != nil {
		return nil, err
	}
	value := strings.TrimSpace(c.Value.Reveal())
	name, key := derive(value, "file name"), derive(value, "file key")
	id := hex.EncodeToString(name[:16])
	s := &Store{Seed: seed, Path: filepath.Join(c.Dir, id+".session"), packed: packed, key: key}
	s.Local = store.Local{
		StoreName: Name, Locks: &store.Locks{Dir: c.Dir, Wait: c.Wait, Holder: c.Holder},
		Get: s.get, Set: s.set, Remove: s.remove,
	}
	return s, nil
}

// derive makes a key for one use of the variable's value, which holds tokens of
// 256 bits and so needs no slow hash. The file's name must tell nothing of the
// value: it is an HMAC under a key of its own.
func derive(value, use string) []byte {
	const size = 32
	// Neither the hash nor the length can make this fail.
	key, _ := hkdf.Key(sha256.New, []byte(value), nil, "xeroauth job store: "+use, size)
	if use != "file name" {
		return key
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(value))
	return mac.Sum(nil)
}

// Lock implements store.Store. It makes the folder, and refuses another's.
func (s *Store) Lock(ctx context.Context, _ string) (func(), error) {
	if err := ownFolder(s.Locks.Dir); err != nil {
		return nil, s.fail("locking the session", err)
	}
	return s.Locks.Take(ctx, strings.TrimSuffix(filepath.Base(s.Path), ".session"))
}

func (s *Store) get(_ context.Context, account string) (secret.Text, error) {
	if account != Account {
		return secret.Text{}, store.ErrNotFound
	}
	b, err := s.read()
	if errors.Is(err, fs.ErrNotExist) {
		return s.packed, nil
	}
	if err != nil {
		return secret.Text{}, s.fail("reading "+s.Path, err)
	}
	// The later generation wins. A file that cannot be read as a record goes out
	// as it is: its reader reports the damage.
	kept, err := store.Unpack(Account, secret.New(string(b)))
	if err == nil && kept.Generation < s.Seed.Record.Generation {
		return s.packed, nil
	}
	return secret.New(string(b)), nil
}

func (s *Store) read() ([]byte, error) {
	f, err := atomicfile.Open(s.Path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if err := checkPrivate(f, filepath.Dir(s.Path)); err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	return s.open(b)
}

var errSealed = errors.New("the file is damaged, or of another session")

func (s *Store) open(b []byte) ([]byte, error) {
	sealed, ok := strings.CutPrefix(string(b), header)
	if !ok || len(b) > maxFile {
		return nil, errSealed
	}
	plain, err := s.aead().Open(nil, nil, []byte(sealed), []byte(header))
	if err != nil {
		return nil, errSealed
	}
	return plain, nil
}

// aead takes nonces from the system and puts them before what it seals: a job
// saves a few times, so that two can't meet.
func (s *Store) aead() cipher.AEAD {
	// A key of 32 bytes makes neither fail.
	block, _ := aes.NewCipher(s.key)
	aead, _ := cipher.NewGCMWithRandomNonce(block)
	return aead
}

func (s *Store) set(_ context.Context, _ string, value secret.Text) error {
	step := "saving " + s.Path
	if err := ownFolder(filepath.Dir(s.Path)); err != nil {
		return s.fail(step, err)
	}
	sealed := s.aead().Seal([]byte(header), nil, []byte(value.Reveal()), []byte(header)) //nolint:gosec // the nonce is random: see aead
	if err := errors.Join(atomicfile.RemoveLeftovers(s.Path), atomicfile.Write(s.Path, sealed)); err != nil {
		return s.fail(step, err)
	}
	return nil
}

func (s *Store) remove(_ context.Context, _ string) error {
	if err := errors.Join(os.Remove(s.Path), atomicfile.RemoveLeftovers(s.Path)); err != nil {
		return s.fail("deleting "+s.Path, err)
	}
	return nil
}

func (s *Store) fail(step string, err error) error {
	class := store.NotWritable
	switch {
	case errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(step, "deleting"):
		return store.ErrNotFound
	case errors.Is(err, errNotPrivate):
		class = store.Permissions
	case errors.Is(err, errSealed):
		class = store.Damaged
	case errors.Is(err, fs.ErrPermission):
		class = store.Denied
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = fmt.Errorf("%s: %w", path.Path, path.Err)
	}
	return &store.Error{Store: Name, Class: class, Step: step, Err: err}
}
