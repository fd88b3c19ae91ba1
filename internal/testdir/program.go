package testdir

import (
	"os"
	"syscall"
	"testing"
)

// Program writes a program or script to path, 0755. No child process can start
// meanwhile: between its fork and its exec a child of another test would hold
// the file open for writing, and running it would fail with "text file busy"
// (golang/go#22315).
func Program[T ~string | ~[]byte](t testing.TB, path string, content T) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil { //nolint:gosec // other users run it too
		t.Fatal(err)
	}
}
