package file_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/xeroauth/xeroauth/internal/atomicfile"
	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/store/file"
	"github.com/xeroauth/xeroauth/internal/testdir"
)

func newKey(t *testing.T) string {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id.String()
}

// folder is a store's folder with a key that a test may change.
type folder struct {
	dir string
	key func() (secret.Text, error)
}

func newFolder(t *testing.T) *folder {
	t.Helper()
	f := &folder{dir: filepath.Join(testdir.New(t), "sessions")}
	f.give(newKey(t))
	return f
}

func (f *folder) give(key string) {
	f.key = func() (secret.Text, error) { return secret.New(key), nil }
}

func (f *folder) config(t *testing.T) file.Config {
	t.Helper()
	return file.Config{
		Dir: f.dir, Locks: &store.Locks{Dir: testdir.New(t), Wait: time.Minute},
		Key: func() (secret.Text, error) { return f.key() },
	}
}

// each runs a test over both stores of this package.
func each(t *testing.T, test func(t *testing.T, f *folder, s store.Store, path string)) {
	t.Helper()
	t.Run("file", func(t *testing.T) {
		f := newFolder(t)
		test(t, f, file.New(f.config(t)), filepath.Join(f.dir, "acme.age"))
	})
	t.Run("plain", func(t *testing.T) {
		f := newFolder(t)
		f.key = func() (secret.Text, error) { t.Error("the plain store asked for a key"); return secret.Text{}, nil }
		test(t, f, file.NewPlain(f.config(t)), filepath.Join(f.dir, "acme.txt"))
	})
}

func save(t *testing.T, s store.Store, account, value string, replaces store.Version) store.Version {
	t.Helper()
	v, err := s.Save(t.Context(), account, secret.New(value), replaces)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func wantValue(t *testing.T, s store.Store, account, want string) store.Version {
	t.Helper()
	got, version, err := s.Load(t.Context(), account)
	if err != nil || got.Reveal() != want {
		t.Errorf("%s holds %q, %v; want %q", account, got.Reveal(), err, want)
	}
	return version
}

func wantClass(t *testing.T, err error, class store.Class) {
	t.Helper()
	if !store.IsClass(err, class) {
		t.Fatalf("error %v, want class %s", err, class)
	}
}

func entries(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range list {
		out = append(out, e.Name())
	}
	return out
}

const value = "x1.the-value-of-a-session"

func TestSaveLoadDelete(t *testing.T) {
	each(t, func(t *testing.T, f *folder, s store.Store, path string) {
		if _, _, err := s.Load(t.Context(), "acme"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("loading nothing, without a folder: %v", err)
		}
		if err := s.Delete(t.Context(), "acme"); err != nil {
			t.Errorf("deleting nothing, without a folder: %v", err)
		}
		first := save(t, s, "acme", value, "")
		if got := wantValue(t, s, "acme", value); got != first {
			t.Errorf("a load gives version %q after %q", got, first)
		}
		save(t, s, "other", "another value", "")
		second := save(t, s, "acme", value+" again", first)
		if second == first {
			t.Error("two contents have one version")
		}
		if _, err := s.Save(t.Context(), "acme", secret.New("third"), first); !errors.Is(err, store.ErrReplaced) {
			t.Errorf("saving over a version that is gone: %v", err)
		}
		wantValue(t, s, "acme", value+" again")
		if runtime.GOOS != "windows" {
			for where, want := range map[string]os.FileMode{path: 0o600, f.dir: 0o700 | os.ModeDir} {
				if info, err := os.Stat(where); err != nil || info.Mode() != want {
					t.Errorf("%s has mode %v, want %v; %v", filepath.Base(where), info.Mode(), want, err)
				}
			}
		}
		if err := s.Delete(t.Context(), "acme"); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Load(t.Context(), "acme"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("loading what was deleted: %v", err)
		}
		wantValue(t, s, "other", "another value")
		if got := entries(t, f.dir); len(got) != 1 {
			t.Errorf("the folder holds %q", got)
		}
	})
}

func TestNames(t *testing.T) {
	f := newFolder(t)
	if got := file.New(f.config(t)).Name(); got != "file" {
		t.Errorf("the encrypted store is %q", got)
	}
	if got := file.NewPlain(f.config(t)).Name(); got != "plain" {
		t.Errorf("the unencrypted store is %q", got)
	}
}

func TestWhatStandsInTheFile(t *testing.T) {
	each(t, func(t *testing.T, _ *folder, s store.Store, path string) {
		save(t, s, "acme", value, "")
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if s.Name() == "plain" {
			if string(b) != value {
				t.Errorf("it holds %q", b)
			}
			return
		}
		if bytes.Contains(b, []byte("the-value")) || !bytes.HasPrefix(b, []byte("age-encryption.org/v1\n")) {
			t.Error("it is not an age file, or it holds the value as it is")
		}
	})
}

func TestProbe(t *testing.T) {
	each(t, func(t *testing.T, f *folder, s store.Store, _ string) {
		save(t, s, "acme", value, "")
		if err := store.Probe(t.Context(), s, "acme"); err != nil {
			t.Fatal(err)
		}
		wantValue(t, s, "acme", value)
		if got := entries(t, f.dir); len(got) != 1 {
			t.Errorf("the probe left behind %q", got)
		}
	})
}

func TestKeys(t *testing.T) {
	right, wrong := newKey(t), newKey(t)
	recipient := func() string {
		id, err := age.ParseX25519Identity(right)
		if err != nil {
			t.Fatal(err)
		}
		return id.Recipient().String()
	}()
	generated := "# created: 2026-11-21T09:30:00Z\n# public key: " + recipient + "\n" + right + "\n"
	for _, c := range []struct {
		name, key string
		class     store.Class // empty: it opens the file
	}{
		{"the key", right, ""},
		{"with a newline", right + "\n", ""},
		{"with spaces around", "  " + right + " \t", ""},
		{"as age-keygen writes it", generated, ""},
		{"as age-keygen writes it, with Windows' line ends", strings.ReplaceAll(generated, "\n", "\r\n"), ""},
		{"comments below it", right + "\n# old key\n", ""},
		{"another key", wrong, store.WrongKey},
		{"no key", "", store.NoKey},
		{"comments alone", "# " + right + "\n\n", store.NoKey},
		{"one character changed", right[:20] + flip(right[20]) + right[21:], store.NoKey},
		{"cut", right[:40], store.NoKey},
		{"the public key", recipient, store.NoKey},
		{"a passphrase", "correct horse battery staple", store.NoKey},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFolder(t)
			f.give(right)
			s := file.New(f.config(t))
			version := save(t, s, "acme", value, "")
			f.give(c.key)
			if c.class == "" {
				wantValue(t, s, "acme", value)
				save(t, s, "acme", value+" again", version)
				return
			}
			_, _, err := s.Load(t.Context(), "acme")
			wantClass(t, err, c.class)
			wantNothingOf(t, err, c.key, right, wrong)
			// Our own fixed text: age's can quote what it was given.
			if c.class == store.NoKey && c.key != "" && !strings.HasSuffix(err.Error(), "is not an age identity (AGE-SECRET-KEY-1…)") {
				t.Errorf("the text is not our own: %v", err)
			}
			if errors.Is(err, store.ErrNotFound) {
				t.Error("a file that cannot be opened counts as none")
			}
			// Nor is it replaced by somebody who cannot read it.
			_, err = s.Save(t.Context(), "acme", secret.New("new"), version)
			wantClass(t, err, c.class)
			wantNothingOf(t, err, c.key, right, wrong)
			f.give(right)
			wantValue(t, s, "acme", value)
		})
	}
}

func flip(c byte) string {
	if c == 'Q' {
		return "P"
	}
	return "Q"
}

// wantNothingOf asserts that an error quotes no line of a key.
func wantNothingOf(t *testing.T, err error, keys ...string) {
	t.Helper()
	for _, key := range keys {
		for line := range strings.Lines(key) {
			if line = strings.TrimSpace(line); len(line) > 12 && strings.Contains(err.Error(), line[:12]) && !strings.HasPrefix("AGE-SECRET-KEY-1…", line[:12]) {
				t.Errorf("the error quotes the key")
			}
			if len(line) > 30 && strings.Contains(err.Error(), line[18:30]) {
				t.Errorf("the error quotes the key")
			}
		}
	}
}

func TestFirstSaveWithoutAKeyWritesNothing(t *testing.T) {
	for name, key := range map[string]string{"none": "", "a bad one": "nonsense-nonsense-nonsense"} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			f.give(key)
			_, err := file.New(f.config(t)).Save(t.Context(), "acme", secret.New(value), "")
			wantClass(t, err, store.NoKey)
			wantNothingOf(t, err, key)
			if _, err := os.Stat(filepath.Join(f.dir, "acme.age")); err == nil {
				t.Error("a file was written")
			}
		})
	}
}

func TestKeySourceThatFails(t *testing.T) {
	f := newFolder(t)
	s := file.New(f.config(t))
	save(t, s, "acme", value, "")
	why := errors.New("the key file is away")
	f.key = func() (secret.Text, error) { return secret.Text{}, why }
	_, _, err := s.Load(t.Context(), "acme")
	wantClass(t, err, store.NoKey)
	if !errors.Is(err, why) {
		t.Errorf("the reason is lost: %v", err)
	}
}

// TestDamagedFile: age's checks cover every byte of the file.
func TestDamagedFile(t *testing.T) {
	f := newFolder(t)
	s := file.New(f.config(t))
	save(t, s, "acme", value, "")
	path := filepath.Join(f.dir, "acme.age")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	put := func(b []byte) error {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := s.Load(t.Context(), "acme")
		return err
	}
	for i := 0; i < len(good); i += 7 {
		if err := put(good[:i]); !store.IsClass(err, store.WrongKey) {
			t.Errorf("truncated to %d of %d bytes: %v", i, len(good), err)
		}
	}
	if err := put(good[:len(good)-1]); !store.IsClass(err, store.WrongKey) {
		t.Errorf("the last byte is missing: %v", err)
	}
	for i := 0; i < len(good); i += 7 {
		b := bytes.Clone(good)
		b[i] ^= 0x40
		if err := put(b); !store.IsClass(err, store.WrongKey) {
			t.Errorf("byte %d of %d flipped: %v", i, len(good), err)
		}
	}
	if err := put(append(bytes.Clone(good), 'x')); !store.IsClass(err, store.WrongKey) {
		t.Errorf("a byte appended: %v", err)
	}
	if err := put(bytes.Repeat([]byte("x"), 2<<20)); err == nil || errors.Is(err, store.ErrNotFound) {
		t.Errorf("2 MiB: %v", err)
	}
	if err := put(good); err != nil {
		t.Errorf("the file as it was: %v", err)
	}
	// A damaged file can be deleted, and then a login saves.
	put(good[:10])
	if err := s.Delete(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	save(t, s, "acme", value, "")
}

func TestLeftoversOfKilledWriters(t *testing.T) {
	each(t, func(t *testing.T, f *folder, s store.Store, path string) {
		version := save(t, s, "acme", value, "")
		save(t, s, "other", "another value", "")
		leave := func() {
			for _, digits := range []string{"1", "4294967295"} {
				if err := os.WriteFile(path+atomicfile.TempMark+digits, []byte("half a sess"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		leave()
		if err := os.WriteFile(filepath.Join(f.dir, "other"+filepath.Ext(path)+atomicfile.TempMark+"1"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		wantValue(t, s, "acme", value)
		save(t, s, "acme", value+" again", version)
		if got := entries(t, f.dir); len(got) != 3 {
			t.Errorf("after a save the folder holds %q", got)
		}
		leave()
		if err := s.Delete(t.Context(), "acme"); err != nil {
			t.Fatal(err)
		}
		if got := entries(t, f.dir); len(got) != 2 {
			t.Errorf("after a deletion the folder holds %q", got)
		}
		leave() // and no entry
		if err := s.Delete(t.Context(), "acme"); err != nil {
			t.Fatal(err)
		}
		if got := entries(t, f.dir); len(got) != 2 {
			t.Errorf("after a deletion of nothing the folder holds %q", got)
		}
		wantValue(t, s, "other", "another value")
	})
}

// TestFolderThatCannotBeMade: a file stands in its place.
func TestFolderThatCannotBeMade(t *testing.T) {
	each(t, func(t *testing.T, f *folder, s store.Store, _ string) {
		if err := os.WriteFile(f.dir, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := s.Save(t.Context(), "acme", secret.New(value), "")
		if runtime.GOOS == "windows" {
			if err == nil {
				t.Error("no error")
			}
			return // where a path through a file counts as not found
		}
		wantClass(t, err, store.NotWritable)
		if !strings.Contains(err.Error(), f.dir) || strings.Contains(err.Error(), value) {
			t.Errorf("the text does not name the folder, or holds the value: %v", err)
		}
	})
}

func TestPathInTheErrorStandsOnce(t *testing.T) {
	each(t, func(t *testing.T, _ *folder, s store.Store, path string) {
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
		_, _, err := s.Load(t.Context(), "acme")
		if err == nil || strings.Count(err.Error(), path) != 1 {
			t.Errorf("reading a folder: %v", err)
		}
	})
}
