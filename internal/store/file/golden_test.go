package file_test

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/store/file"
	"github.com/xeroauth/xeroauth/internal/testdir"
)

var writeGolden = flag.Bool("golden.write", false, "write golden files that are missing")

// goldenValue is what each file of testdata/golden/sessions holds.
const goldenValue = "x1.a-value_of-the-golden-files"

// TestGoldenSessions: files that this version wrote are readable for ever. They
// are read from a copy, because a checkout lets others read them.
func TestGoldenSessions(t *testing.T) {
	kept := filepath.Join("..", "..", "..", "testdata", "golden", "sessions")
	dir := testdir.New(t)
	config := file.Config{
		Dir: dir, Locks: &store.Locks{Dir: testdir.New(t), Wait: time.Minute},
		Key: func() (secret.Text, error) {
			b, err := os.ReadFile(filepath.Join(kept, "key"))
			return secret.New(string(b)), err
		},
	}
	if *writeGolden {
		writeMissing(t, kept, config)
	}
	for _, c := range []struct {
		name  string
		store store.Store
	}{{"golden.age", file.New(config)}, {"golden.txt", file.NewPlain(config)}} {
		b, err := os.ReadFile(filepath.Join(kept, c.name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, c.name), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, _, err := c.store.Load(t.Context(), "golden"); err != nil || got.Reveal() != goldenValue {
			t.Errorf("%s: %v, %q", c.name, err, got.Reveal())
		}
	}
}

func writeMissing(t *testing.T, kept string, config file.Config) {
	missing := func(name string) bool {
		_, err := os.Stat(filepath.Join(kept, name))
		return errors.Is(err, fs.ErrNotExist)
	}
	if err := os.MkdirAll(kept, 0o755); err != nil {
		t.Fatal(err)
	}
	if missing("key") {
		identity, err := age.GenerateX25519Identity()
		if err == nil {
			err = os.WriteFile(filepath.Join(kept, "key"), []byte(identity.String()+"\n"), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	config.Dir = testdir.New(t)
	for name, s := range map[string]store.Store{"golden.age": file.New(config), "golden.txt": file.NewPlain(config)} {
		if !missing(name) {
			continue
		}
		if _, err := s.Save(t.Context(), "golden", secret.New(goldenValue), ""); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(config.Dir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(kept, name), b, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
