// Package atomicfile replaces a file whole or not at all. It serves the stores
// and the profiles, which may not import each other.
package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// TempMark stands in the names of files that a killed process may leave
// behind: NAME + TempMark + digits, beside NAME.
const TempMark = ".tmp-"

// Write puts data into path through a new file of mode 0600 in the same
// folder: written, synced, renamed, and the rename synced. The folder is made,
// 0700, if it is missing. A reader sees the old content or the new.
func Write(path string, data []byte) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, filepath.Base(path)+TempMark)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// RemoveLeftovers removes what killed writers of path left behind. The caller
// knows that no writer is at work.
func RemoveLeftovers(path string) error {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	for _, e := range entries {
		// os.CreateTemp adds digits only; anything else is somebody's own file.
		tail, ok := strings.CutPrefix(e.Name(), filepath.Base(path)+TempMark)
		if ok && tail != "" && strings.Trim(tail, "0123456789") == "" {
			err = errors.Join(err, os.Remove(filepath.Join(filepath.Dir(path), e.Name())))
		}
	}
	return err
}

// Open opens path for reading, also on Windows while it is being replaced.
func Open(path string) (f *os.File, err error) {
	err = patiently(func() error {
		f, err = os.Open(path)
		return err
	})
	return f, err
}

func rename(from, to string) error {
	return patiently(func() error { return os.Rename(from, to) })
}

// The wait for another process, bounded: on Windows a file that is open cannot
// be replaced, and one that is being replaced cannot be opened.
const (
	sharingTries = 50
	sharingPause = 10 * time.Millisecond
)

func patiently(do func() error) error {
	var err error
	for range sharingTries {
		if err = do(); err == nil || !isSharing(err) {
			return err
		}
		time.Sleep(sharingPause)
	}
	return err
}
