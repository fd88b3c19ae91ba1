//go:build unix

package job_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/store/job"
	"github.com/xeroauth/xeroauth/internal/testdir"
)

// TestForeignFolders: in /tmp anybody can make a folder of our name first.
func TestForeignFolders(t *testing.T) {
	tests := []struct {
		name string
		make func(t *testing.T, dir string)
		want string
	}{
		{"open to others", func(t *testing.T, dir string) { mkdir(t, dir, 0o755) }, "chmod 700"},
		{"open to the group", func(t *testing.T, dir string) { mkdir(t, dir, 0o710) }, "chmod 700"},
		{"a link to a folder of ours", func(t *testing.T, dir string) {
			mkdir(t, dir+"-other", 0o700)
			if err := os.Symlink(dir+"-other", dir); err != nil {
				t.Fatal(err)
			}
		}, "not a folder of this user's own"},
		{"a link to nowhere", func(t *testing.T, dir string) {
			if err := os.Symlink(dir+"-nowhere", dir); err != nil {
				t.Fatal(err)
			}
		}, "not a folder of this user's own"},
		{"a file", func(t *testing.T, dir string) {
			if err := os.WriteFile(dir, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "not a folder of this user's own"},
		{"somebody else's", func(t *testing.T, dir string) {
			if os.Getuid() != 0 {
				t.Skip("only root can give a folder away")
			}
			mkdir(t, dir, 0o700)
			if err := os.Chown(dir, 54321, 54321); err != nil {
				t.Fatal(err)
			}
		}, "not a folder of this user's own"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(testdir.New(t), "jobs")
			tt.make(t, dir)
			s := open(t, dir, seedOf(t, job.Seed{Record: record(3)}))
			unlock, err := s.Lock(t.Context(), job.Account)
			if err == nil {
				unlock()
			}
			if !store.IsClass(err, store.Permissions) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("locking: %v, want class permissions and %q", err, tt.want)
			}
			if _, err := s.Save(t.Context(), job.Account, seedOf(t, job.Seed{Record: record(4)}), ""); err == nil {
				t.Error("a session was saved there")
			}
			if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
				t.Errorf("something was written there: %v", entries)
			}
		})
	}
}

func mkdir(t *testing.T, dir string, mode os.FileMode) {
	t.Helper()
	if err := os.Mkdir(dir, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, mode); err != nil { // whatever the umask is
		t.Fatal(err)
	}
}

// TestForeignFiles: what others can reach is not believed, read or not.
func TestForeignFiles(t *testing.T) {
	dir := filepath.Join(testdir.New(t), "jobs")
	s := open(t, dir, seedOf(t, job.Seed{Record: record(3)}))
	save(t, s, record(4))
	for _, mode := range []os.FileMode{0o644, 0o660, 0o604} {
		if err := os.Chmod(s.Path, mode); err != nil {
			t.Fatal(err)
		}
		if _, _, err := store.LoadRecord(t.Context(), s, job.Account); !store.IsClass(err, store.Permissions) || !strings.Contains(err.Error(), "chmod 600 "+s.Path) {
			t.Errorf("a file of mode %o: %v, want class permissions and the command that mends it", mode, err)
		}
	}
	if err := os.Chmod(s.Path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.LoadRecord(t.Context(), s, job.Account); !store.IsClass(err, store.Permissions) {
		t.Errorf("a file in a folder that is open: %v, want class permissions", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if r, _ := load(t, s); r.Generation != 4 {
		t.Errorf("mended, it has generation %d, want 4", r.Generation)
	}
	info, err := os.Stat(s.Path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v, %v; want 600", info.Mode(), err)
	}
}
