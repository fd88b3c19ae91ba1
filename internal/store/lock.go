package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// Locks are file locks in one folder. A lock file is never unlinked: two
// processes could then hold locks on two files of one name.
type Locks struct {
	// Dir is made on first use, 0700.
	Dir string
	// Wait bounds how long Take waits.
	Wait time.Duration
	// Holder is what waiters are told of this process, such as
	// "xeroauth refresh".
	Holder string
	// Taking, if set, is called before each Take.
	Taking func()
}

// lockPoll is how often a waiter looks: file locks have no wait with a limit.
const lockPoll = 15 * time.Millisecond

// LockError says that another process held the lock for the whole wait.
type LockError struct {
	Name string
	// Holder names the process if it told, else it is empty.
	Holder string
	Waited time.Duration
}

func (e *LockError) Error() string {
	holder := e.Holder
	if holder == "" {
		holder = "another process"
	}
	return fmt.Sprintf("waiting for the session: %s still holds it after %s", holder, e.Waited.Round(time.Second))
}

// Take waits for the lock of that name. It fails with ctx's error, *LockError
// after Wait, or *Error when the folder or file cannot be made.
func (l *Locks) Take(ctx context.Context, name string) (unlock func(), err error) {
	fail := func(err error) error {
		return &Error{Store: "lock", Class: NotWritable, Step: "locking the session", Err: err}
	}
	if l.Taking != nil {
		l.Taking()
	}
	if err := os.MkdirAll(l.Dir, 0o700); err != nil {
		return nil, fail(err)
	}
	path := filepath.Join(l.Dir, name+".lock")
	file := flock.New(path, flock.SetPermissions(0o600))
	waitCtx, cancel := context.WithTimeout(ctx, l.Wait)
	defer cancel()
	ok, err := file.TryLockContext(waitCtx, lockPoll)
	switch {
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case errors.Is(err, context.DeadlineExceeded):
		err = &LockError{Name: name, Holder: readHolder(path), Waited: l.Wait}
	case err != nil:
		err = fail(err)
	case !ok:
		err = fail(errors.New("the lock was not given"))
	}
	if err != nil {
		_ = file.Close() // also gives back a lock that came as ctx ended
		return nil, err
	}
	l.writeHolder(path)
	return func() { _ = file.Close() }, nil
}

// Holder notes stand in a file of their own, because Windows locks the locked
// file's bytes against readers. They inform and decide nothing.
func (l *Locks) writeHolder(path string) {
	_ = os.WriteFile(path+".holder", []byte(strconv.Itoa(os.Getpid())+" "+l.Holder), 0o600)
}

func readHolder(path string) string {
	note, err := os.ReadFile(path + ".holder")
	pid, command, ok := strings.Cut(string(note), " ")
	if err != nil || !ok {
		return ""
	}
	return fmt.Sprintf("%s (process %s)", command, pid)
}
