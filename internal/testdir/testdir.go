// Package testdir gives tests a folder that is removed in a way that Wine
// understands: testing's own TempDir fails there at its end, because Wine 8
// has none of the new call by which Go's os.RemoveAll deletes.
package testdir

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// New returns a new folder, which is removed with all that is in it when the
// test has ended. What cannot be removed fails the test.
func New(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "xeroauth-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		var paths []string
		_ = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, _ error) error {
			paths = append(paths, path)
			return nil
		})
		for _, path := range slices.Backward(paths) {
			if err := os.Remove(path); err != nil {
				t.Errorf("removing the test's folder: %v", err)
			}
		}
	})
	return dir
}
