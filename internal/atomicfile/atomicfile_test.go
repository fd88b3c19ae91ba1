package atomicfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/xeroauth/xeroauth/internal/atomicfile"
	"github.com/xeroauth/xeroauth/internal/testdir"
)

// asWriter makes the test binary the process that is killed.
const asWriter = "XEROAUTH_TEST_WRITER"

func TestMain(m *testing.M) {
	if path := os.Getenv(asWriter); path != "" {
		writeForEver(path)
	}
	os.Exit(m.Run())
}

// version is the whole content that a writer gives its n-th file: long, and
// torn if any of it is of another version.
func version(n int) []byte { return bytes.Repeat(fmt.Appendf(nil, "%08d\n", n), 8<<10) }

func whole(b []byte) bool {
	return len(b) == len(version(0)) && bytes.Equal(b, bytes.Repeat(b[:9], len(b)/9))
}

// writeForEver replaces the file again and again, and says a word after each.
func writeForEver(path string) {
	for n := 1; ; n++ {
		if err := atomicfile.Write(path, version(n)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Print(".")
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func write(t *testing.T, path, data string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

func wantFile(t *testing.T, path, want string) {
	t.Helper()
	if b, err := os.ReadFile(path); err != nil || string(b) != want {
		t.Errorf("%s holds %q, %v; want %q", filepath.Base(path), b, err, want)
	}
}

func TestWrite(t *testing.T) {
	for _, c := range []struct {
		name, before, data string
		exists             bool
	}{
		{"a new file", "", "new", false},
		{"in place of a longer one", "a much longer old content", "new", true},
		{"in place of a shorter one", "o", "new", true},
		{"an empty content", "old", "", true},
		{"the same content", "same", "same", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := testdir.New(t)
			path := filepath.Join(dir, "entry [x]*.age")
			if runtime.GOOS == "windows" {
				path = filepath.Join(dir, "entry [x].age") // no * in names there
			}
			if c.exists {
				write(t, path, c.before)
			}
			if err := atomicfile.Write(path, []byte(c.data)); err != nil {
				t.Fatal(err)
			}
			wantFile(t, path, c.data)
			if got := names(t, dir); len(got) != 1 {
				t.Errorf("the folder holds %q", got)
			}
			if runtime.GOOS == "windows" {
				return // no mode bits
			}
			if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
				t.Errorf("mode %v, want 0600; %v", info.Mode(), err)
			}
		})
	}
}

func TestWriteMakesThePrivateFolder(t *testing.T) {
	dir := filepath.Join(testdir.New(t), "a", "b")
	if err := atomicfile.Write(filepath.Join(dir, "entry"), []byte("x")); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "windows" {
		return // no mode bits
	}
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if info, err := os.Stat(d); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %v, want 0700; %v", d, info.Mode(), err)
		}
	}
}

// TestFailedWriteChangesNothing: and leaves no file that holds what was to be
// written.
func TestFailedWriteChangesNothing(t *testing.T) {
	t.Run("a folder stands where the file goes", func(t *testing.T) {
		dir := testdir.New(t)
		path := filepath.Join(dir, "entry")
		if err := os.MkdirAll(filepath.Join(path, "full"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := atomicfile.Write(path, []byte("secret")); err == nil {
			t.Error("no error")
		}
		if got := names(t, dir); len(got) != 1 || got[0] != "entry" {
			t.Errorf("the folder holds %q", got)
		}
	})
	t.Run("a file stands where the folder goes", func(t *testing.T) {
		file := filepath.Join(testdir.New(t), "file")
		write(t, file, "old")
		err := atomicfile.Write(filepath.Join(file, "entry"), []byte("secret"))
		var path *fs.PathError
		if !errors.As(err, &path) {
			t.Errorf("error %v", err)
		}
		wantFile(t, file, "old")
	})
}

// TestReadersSeeOldOrNew reads while another goroutine writes.
func TestReadersSeeOldOrNew(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be replaced there, and readers without a pause leave no gap")
	}
	path := filepath.Join(testdir.New(t), "entry")
	if err := atomicfile.Write(path, version(0)); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				b, err := os.ReadFile(path)
				if err != nil || !whole(b) {
					t.Errorf("a reader saw %d bytes, torn or not: %v", len(b), err)
					return
				}
			}
		})
	}
	for n := range 40 {
		if err := atomicfile.Write(path, version(n)); err != nil {
			t.Error(err)
			break
		}
	}
	close(done)
	readers.Wait()
}

// TestKilledWriter kills a process that writes without pause, again and again:
// the file is always whole, and what is left beside it goes.
func TestKilledWriter(t *testing.T) {
	const rounds = 40
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := testdir.New(t)
	path := filepath.Join(dir, "entry")
	if err := atomicfile.Write(path, version(0)); err != nil {
		t.Fatal(err)
	}
	torn, left := 0, 0
	for round := range rounds {
		cmd := exec.CommandContext(t.Context(), self)
		cmd.Env = append(os.Environ(), asWriter+"="+path)
		cmd.Stderr = os.Stderr
		said, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// After 1 to 8 writes, so that rounds differ in where they strike.
		if _, err := said.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		for range round % 8 {
			if _, err := said.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		b, err := os.ReadFile(path)
		if err != nil || !whole(b) {
			torn++
			t.Errorf("after kill %d the file has %d bytes and is torn; %v", round+1, len(b), err)
		}
		left += len(names(t, dir)) - 1
		if err := atomicfile.RemoveLeftovers(path); err != nil {
			t.Error(err)
		}
		if got := names(t, dir); len(got) != 1 {
			t.Errorf("after the leftovers are removed the folder holds %q", got)
		}
	}
	t.Logf("%d kills: %d torn files, %d leftovers", rounds, torn, left)
}

func TestRemoveLeftovers(t *testing.T) {
	// A folder whose name would be a pattern, if nobody took care.
	name := "[ab]"
	if runtime.GOOS == "windows" {
		name = "ab" // its patterns have no escape
	}
	dir := filepath.Join(testdir.New(t), name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	gone := []string{"a.age" + atomicfile.TempMark + "1", "a.age" + atomicfile.TempMark + "4294967295"}
	stay := []string{"a.age", "a.age.bak", "b.age" + atomicfile.TempMark + "1", "aXage" + atomicfile.TempMark + "1", "xa.age" + atomicfile.TempMark + "1"}
	for _, name := range append(gone, stay...) {
		write(t, filepath.Join(dir, name), name)
	}
	if err := atomicfile.RemoveLeftovers(filepath.Join(dir, "a.age")); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(names(t, dir), " "); got != "a.age a.age.bak aXage.tmp-1 b.age.tmp-1 xa.age.tmp-1" {
		t.Errorf("left: %s", got)
	}
	if err := atomicfile.RemoveLeftovers(filepath.Join(dir, "none")); err != nil {
		t.Errorf("no leftovers: %v", err)
	}
	if err := atomicfile.RemoveLeftovers(filepath.Join(dir, "no folder", "none")); err != nil {
		t.Errorf("no folder: %v", err)
	}
	if runtime.GOOS != "windows" {
		odd := filepath.Join(dir, `*?\.age`)
		write(t, odd+atomicfile.TempMark+"7", "x")
		if err := atomicfile.RemoveLeftovers(odd); err != nil {
			t.Error(err)
		}
		if got := strings.Join(names(t, dir), " "); got != "a.age a.age.bak aXage.tmp-1 b.age.tmp-1 xa.age.tmp-1" {
			t.Errorf("left: %s", got)
		}
	}
}

func TestLeftoverThatCannotBeRemovedIsTold(t *testing.T) {
	dir := testdir.New(t)
	path := filepath.Join(dir, "entry")
	if err := os.MkdirAll(filepath.Join(path+atomicfile.TempMark+"1", "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, path+atomicfile.TempMark+"2", "x")
	if err := atomicfile.RemoveLeftovers(path); err == nil {
		t.Error("no error")
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("the folder holds %q: one that stays must not save the others", got)
	}
}
