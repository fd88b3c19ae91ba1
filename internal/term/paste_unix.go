//go:build unix

package term

import (
	"bufio"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// inForeground reports whether the terminal listens to this process's group.
func inForeground(in *os.File) bool {
	group, err := unix.IoctlGetInt(int(in.Fd()), unix.TIOCGPGRP)
	// A terminal that controls no session, as in tests, has no foreground.
	return errors.Is(err, unix.ENOTTY) || err == nil && (group == 0 || group == unix.Getpgrp())
}

// hush makes the terminal show nothing of what is typed, hand it on at once
// and make no signals of it; what is printed is left alone. release restores
// it and throws away what was not read.
func hush(in *os.File) (release func(), err error) {
	fd := int(in.Fd())
	before, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return nil, err
	}
	release = holdTerminal(fd, func() { _ = unix.IoctlSetTermios(fd, setTermiosFlush, before) })
	quiet := *before
	quiet.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	quiet.Iflag &^= unix.IXON | unix.ISTRIP
	quiet.Cc[unix.VMIN], quiet.Cc[unix.VTIME] = 0, 0 // a read never waits
	if err := unix.IoctlSetTermios(fd, setTermios, &quiet); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// readHidden reads a line without echo. The library's own function takes the
// end of the input for nothing, and waits on.
func readHidden(in *os.File) (string, error) {
	fd := int(in.Fd())
	t, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return "", err
	}
	t.Lflag &^= unix.ECHO
	t.Lflag |= unix.ICANON | unix.ISIG
	t.Iflag |= unix.ICRNL
	if err := unix.IoctlSetTermios(fd, setTermios, t); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(in).ReadString('\n')
	if line != "" {
		err = nil
	}
	return line, err
}

// readSoon returns what comes within d, which may be nothing.
func readSoon(in *os.File, d time.Duration) ([]byte, error) {
	fd := int(in.Fd())
	var ready unix.FdSet
	ready.Set(fd)
	wait := unix.NsecToTimeval(d.Nanoseconds())
	n, err := unix.Select(fd+1, &ready, nil, nil, &wait)
	if errors.Is(err, unix.EINTR) || err == nil && n == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	b := make([]byte, 4096)
	n, err = unix.Read(fd, b)
	switch {
	case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
		return nil, nil
	case err != nil, n <= 0: // readable and empty: nobody is at the other end
		return nil, ErrNoAnswer
	}
	return b[:n], nil
}
