//go:build unix

package file_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/store/file"
)

func TestWhatOthersCanReadIsRefused(t *testing.T) {
	for _, c := range []struct {
		name         string
		file, folder os.FileMode
		advice       string // empty: it is read
	}{
		{"private", 0o600, 0o700, ""},
		{"read-only", 0o400, 0o500, ""},
		{"the group reads the file", 0o640, 0o700, "chmod 600 "},
		{"all read the file", 0o644, 0o700, "chmod 600 "},
		{"others write the file", 0o602, 0o700, "chmod 600 "},
		{"the group enters the folder", 0o600, 0o710, "chmod 700 "},
		{"all read the folder", 0o600, 0o755, "chmod 700 "},
		{"both", 0o644, 0o755, "chmod 600 "},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, f *folder, s store.Store, path string) {
				version := save(t, s, "acme", value, "")
				if err := errors.Join(os.Chmod(path, c.file), os.Chmod(f.dir, c.folder)); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { os.Chmod(f.dir, 0o700) })
				if c.advice == "" {
					wantValue(t, s, "acme", value)
					return
				}
				advice := c.advice + path
				if strings.HasPrefix(c.advice, "chmod 700") {
					advice = c.advice + f.dir
				}
				_, _, err := s.Load(t.Context(), "acme")
				wantClass(t, err, store.Permissions)
				if !strings.Contains(err.Error(), advice+")") {
					t.Errorf("the text does not say %q: %v", advice, err)
				}
				_, err = s.Save(t.Context(), "acme", secret.New("new"), version)
				wantClass(t, err, store.Permissions)
				// What the advice says mends it.
				if err := errors.Join(os.Chmod(path, 0o600), os.Chmod(f.dir, 0o700)); err != nil {
					t.Fatal(err)
				}
				wantValue(t, s, "acme", value)
			})
		})
	}
}

func TestReadOnlyFolder(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root writes into read-only folders")
	}
	each(t, func(t *testing.T, f *folder, s store.Store, _ string) {
		version := save(t, s, "acme", value, "")
		if err := os.Chmod(f.dir, 0o500); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Chmod(f.dir, 0o700) })
		_, err := s.Save(t.Context(), "acme", secret.New("new"), version)
		wantClass(t, err, store.Denied)
		wantClass(t, s.Delete(t.Context(), "acme"), store.Denied)
		wantValue(t, s, "acme", value)
	})
}

// TestFullDisk fills a file system of 64 KiB.
func TestFullDisk(t *testing.T) {
	each(t, func(t *testing.T, f *folder, s store.Store, _ string) {
		if err := os.Mkdir(f.dir, 0o700); err != nil {
			t.Fatal(err)
		}
		mountSmall(t, f.dir)
		version := save(t, s, "acme", value, "")
		filler, err := os.OpenFile(filepath.Join(f.dir, "filler"), os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer filler.Close()
		for err == nil {
			_, err = filler.Write(make([]byte, 4096))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("filling the disk: %v", err)
		}
		_, err = s.Save(t.Context(), "acme", secret.New(strings.Repeat("new", 100)), version)
		wantClass(t, err, store.NotWritable)
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "no space left") {
			t.Errorf("the text does not say why: %v", err)
		}
		wantValue(t, s, "acme", value)
		if got := entries(t, f.dir); len(got) != 2 {
			t.Errorf("a failed save left behind %q", got)
		}
		if err := errors.Join(filler.Truncate(0), os.Remove(filler.Name())); err != nil {
			t.Fatal(err)
		}
		save(t, s, "acme", "new", version)
		wantValue(t, s, "acme", "new")
	})
}

var _ store.Store = file.New(file.Config{})
