package keychain

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// socket finds the Unix socket of the session bus, in net's words. Other
// transports, and lists of addresses, are left to the library.
func socket(busAddress string) (name string, ok bool) {
	if busAddress == "" || busAddress == "autolaunch:" {
		name = "/run/user/" + strconv.Itoa(os.Getuid()) + "/bus"
		_, err := os.Stat(name)
		return name, err == nil
	}
	keys, ok := strings.CutPrefix(busAddress, "unix:")
	if !ok || strings.Contains(keys, ";") {
		return "", false
	}
	for pair := range strings.SplitSeq(keys, ",") {
		key, value, _ := strings.Cut(pair, "=")
		value, err := url.PathUnescape(value)
		if err != nil || value == "" || name != "" && (key == "path" || key == "abstract") {
			return "", false
		}
		switch key {
		case "path":
			name = value
		case "abstract":
			name = "@" + value
		}
	}
	return name, name != ""
}

// Names of the bus itself.
const (
	busName = "org.freedesktop.DBus"
	busPath = "/org/freedesktop/DBus"
)

// bus is a connection to the session bus, for one goroutine.
type bus struct {
	conn net.Conn
	in   *bufio.Reader
	// out are the greeting and calls that were not sent yet.
	out    []byte
	serial uint32
	// greeted: the bus has answered the greeting.
	greeted bool
	// early are messages that came before they were asked for.
	early []message
	// slow, if set, is called once, when the bus has kept us waiting until
	// patience, which is before limit.
	slow            func()
	patience, limit time.Time
}

var (
	// errGreeting is a bus that does not take us for its user.
	errGreeting = errors.New("dbus: the bus refused the connection")
	errHungUp   = errors.New("dbus: the bus closed the connection")
)

// dial connects to the bus at a socket. All waiting ends at the limit.
// Nothing is sent before the first reply is waited for.
func dial(name string, limit time.Duration, slow func()) (*bus, error) {
	conn, err := net.Dial("unix", name)
	if err != nil {
		return nil, err
	}
	b := &bus{conn: conn, slow: slow, limit: time.Now().Add(limit), patience: time.Now().Add(time.Second)}
	b.in = bufio.NewReader(b)
	b.waitUntil(b.limit)
	uid := hex.EncodeToString([]byte(strconv.Itoa(os.Geteuid())))
	b.out = []byte("\x00AUTH EXTERNAL " + uid + "\r\nBEGIN\r\n")
	b.call(call{busName, busPath, busName, "Hello", "", nil})
	return b, nil
}

func (b *bus) waitUntil(limit time.Time) {
	b.limit = limit
	if b.slow != nil && b.patience.Before(limit) {
		limit = b.patience
	}
	_ = b.conn.SetDeadline(limit)
}

// Read reads from the connection, and says so when it takes long.
func (b *bus) Read(p []byte) (int, error) {
	n, err := b.conn.Read(p)
	if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) && b.slow != nil && time.Now().Before(b.limit) {
		b.slow()
		b.slow = nil
		b.waitUntil(b.limit)
		n, err = b.conn.Read(p)
	}
	if errors.Is(err, io.EOF) {
		err = errHungUp
	}
	return n, err
}

// call notes a call, to be sent with the next wait for a reply.
func (b *bus) call(c call) (serial uint32) {
	b.serial++
	b.out = append(b.out, c.encode(b.serial)...)
	return b.serial
}

// reply sends what is to be sent and waits for the answer to a call, which
// must have that signature.
func (b *bus) reply(serial uint32, signature string) (decoder, error) {
	m, err := b.wait(func(m message) bool { return m.kind != signal && m.serial == serial })
	if err == nil {
		err = m.failure()
	}
	if err == nil {
		err = m.is(signature)
	}
	return m.body, err
}

// wait sends what is to be sent and returns the first message that is wanted.
func (b *bus) wait(wanted func(message) bool) (message, error) {
	if len(b.out) > 0 {
		if _, err := b.conn.Write(b.out); err != nil {
			return message{}, err
		}
		b.out = nil
	}
	if !b.greeted {
		line, err := b.in.ReadSlice('\n')
		if err != nil {
			return message{}, err
		}
		if !bytes.HasPrefix(line, []byte("OK ")) {
			return message{}, errGreeting
		}
		b.greeted = true
	}
	for i, m := range b.early {
		if wanted(m) {
			b.early = append(b.early[:i], b.early[i+1:]...)
			return m, nil
		}
	}
	for {
		m, err := readMessage(b.in)
		if err != nil || wanted(m) {
			return m, err
		}
		b.early = append(b.early, m)
	}
}
