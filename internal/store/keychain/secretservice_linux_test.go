package keychain

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/testdir"
)

// The real gnome-keyring is in real_linux_test.go. What other services do,
// and what none should, is played here.

// played is a bus with a secret service behind it.
type played struct {
	t       *testing.T
	address string
	// answer gives the reply to a call, by its member: a []any, a dbus.Error or
	// nil for none. It runs in the bus's goroutine.
	answer func(c *dbus.Message, member string) any
	conn   net.Conn
	// seen are the members of the calls that came; read it when hungUp is closed.
	seen   []string
	hungUp chan struct{}
}

// play starts a bus that takes one connection.
func play(t *testing.T, greeting string, answer func(p *played, c *dbus.Message, member string) any) *played {
	t.Helper()
	path := filepath.Join(testdir.New(t), "bus")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	p := &played{t: t, address: "unix:path=" + path, hungUp: make(chan struct{})}
	p.answer = func(c *dbus.Message, member string) any { return answer(p, c, member) }
	t.Cleanup(func() { l.Close(); <-p.hungUp })
	go func() {
		defer close(p.hungUp)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		p.serve(conn, greeting)
	}()
	return p
}

func (p *played) serve(conn net.Conn, greeting string) {
	p.conn = conn
	in := bufio.NewReader(conn)
	for line := ""; line != "BEGIN\r\n"; {
		var err error
		if line, err = in.ReadString('\n'); err != nil {
			return
		}
	}
	_, _ = conn.Write([]byte(greeting))
	for {
		c, err := dbus.DecodeMessage(in)
		if err != nil {
			return
		}
		member, _ := c.Headers[dbus.FieldMember].Value().(string)
		p.seen = append(p.seen, member)
		p.send(c.Serial(), p.answer(c, member))
	}
}

func (p *played) send(serial uint32, answer any) {
	switch a := answer.(type) {
	case dbus.Error:
		_, _ = p.conn.Write(sentError(p.t, serial, a))
	case []any:
		_, _ = p.conn.Write(sent(p.t, binary.LittleEndian, dbus.TypeMethodReply, serial, a...))
	}
}

func (p *played) load(ctx context.Context, c Config) (string, error) {
	c.BusAddress = p.address
	if c.Limit == 0 {
		c.Limit = patience
	}
	value, _, err := New(c).Load(ctx, "acme")
	return value.Reveal(), err
}

func (p *played) calls() []string {
	<-p.hungUp
	return p.seen
}

const ok = "OK 0123456789abcdef0123456789abcdef\r\n"

// willing answers as an unlocked service with one entry does.
func willing(member string) any {
	switch member {
	case "Hello":
		return []any{":1.1"}
	case "ReadAlias":
		return []any{dbus.ObjectPath("/")}
	case "OpenSession":
		return []any{dbus.MakeVariant(""), dbus.ObjectPath("/s/1")}
	case "SearchItems":
		return []any{[]dbus.ObjectPath{"/item/1", "/item/2"}}
	case "GetSecret":
		return []any{secretStruct{"/s/1", nil, []byte("value"), "text/plain"}}
	}
	return nil
}

// TestReadWaitsThrice: greeting and a first question go out before anything
// comes back, session and search only after its answer; answers may come in any
// order, with signals between.
func TestReadWaitsThrice(t *testing.T) {
	early := map[string]uint32{}
	p := play(t, "", func(p *played, c *dbus.Message, member string) any {
		switch member {
		case "ReadAlias":
			_, _ = p.conn.Write([]byte(ok))
			p.send(c.Serial(), willing(member))
			p.send(early["Hello"], willing("Hello"))
			return nil
		case "SearchItems":
			_, _ = p.conn.Write(sent(t, binary.LittleEndian, dbus.TypeSignal, 0, true, dbus.MakeVariant("")))
			p.send(c.Serial(), willing(member))
			p.send(early["OpenSession"], willing("OpenSession"))
			return nil
		case "GetSecret":
			if c.Body[0] != dbus.ObjectPath("/s/1") || c.Headers[dbus.FieldPath].Value() != dbus.ObjectPath("/item/1") {
				t.Errorf("it asks for the secret with %v", c)
			}
			return willing(member)
		}
		early[member] = c.Serial()
		return nil
	})
	value, err := p.load(t.Context(), Config{})
	if value != "value" || err != nil {
		t.Errorf("%q, %v", value, err)
	}
	if got, want := p.calls(), []string{"Hello", "ReadAlias", "OpenSession", "SearchItems", "GetSecret"}; !slices.Equal(got, want) {
		t.Errorf("calls %q, want %q", got, want)
	}
}

// TestReadOpensNoSessionAtOnce: gnome-keyring may die of a client whose first
// message opens a session, so something else must have been answered before.
func TestReadOpensNoSessionAtOnce(t *testing.T) {
	p := play(t, ok, func(_ *played, _ *dbus.Message, member string) any {
		if member == "Hello" {
			return willing(member)
		}
		return nil
	})
	_, err := p.load(t.Context(), Config{Limit: 300 * time.Millisecond})
	wantError(t, err, store.Timeout, `reading keychain entry "acme"`)
	if got, want := p.calls(), []string{"Hello", "ReadAlias"}; !slices.Equal(got, want) {
		t.Errorf("calls %q, want %q", got, want)
	}
}

func TestReadOutcomes(t *testing.T) {
	missing := dbus.Error{Name: "org.freedesktop.DBus.Error.UnknownObject", Body: []any{"no such path"}}
	locked := dbus.Error{Name: "org.freedesktop.Secret.Error.IsLocked"}
	for _, c := range []struct {
		name     string
		greeting string
		answers  map[string]any
		// inDefault answers for the collection that the alias names.
		inDefault any
		class     store.Class
		notFound  bool
		value     string
	}{
		{name: "an entry", value: "value"},
		{name: "no entry", answers: map[string]any{"SearchItems": []any{[]dbus.ObjectPath{}}, "Get": []any{dbus.MakeVariant(false)}}, notFound: true},
		{name: "no entry to be seen, the collection is locked", answers: map[string]any{"SearchItems": []any{[]dbus.ObjectPath{}}, "Get": []any{dbus.MakeVariant(true)}}, class: store.Locked},
		{name: "an entry that is locked", answers: map[string]any{"GetSecret": locked}, class: store.Locked},
		{name: "no login collection, an entry in the default one", answers: map[string]any{"SearchItems": missing, "ReadAlias": []any{dbus.ObjectPath("/default")}}, inDefault: []any{[]dbus.ObjectPath{"/item/1"}}, value: "value"},
		{name: "no login collection, the default one is empty", answers: map[string]any{"SearchItems": missing, "ReadAlias": []any{dbus.ObjectPath("/default")}, "Get": []any{dbus.MakeVariant(false)}}, inDefault: []any{[]dbus.ObjectPath{}}, notFound: true},
		{name: "no login collection, the default one is locked", answers: map[string]any{"SearchItems": missing, "ReadAlias": []any{dbus.ObjectPath("/default")}, "Get": []any{dbus.MakeVariant(true)}}, inDefault: []any{[]dbus.ObjectPath{}}, class: store.Locked},
		{name: "no collection", answers: map[string]any{"SearchItems": missing, "ReadAlias": []any{dbus.ObjectPath("/")}}, class: store.NoCollection},
		{name: "the search is forbidden", answers: map[string]any{"SearchItems": dbus.Error{Name: "org.freedesktop.DBus.Error.AccessDenied"}}, class: store.Denied},
		{name: "no service", answers: map[string]any{"ReadAlias": dbus.Error{Name: "org.freedesktop.DBus.Error.ServiceUnknown"}}, class: store.NoService},
		{name: "no aliases, an entry in the login collection", answers: map[string]any{"ReadAlias": missing}, value: "value"},
		{name: "no aliases and no login collection", answers: map[string]any{"ReadAlias": missing, "SearchItems": missing}, class: store.NoCollection},
		{name: "an alias that is no path", answers: map[string]any{"ReadAlias": []any{uint32(1)}}, class: store.Other},
		{name: "no session", answers: map[string]any{"OpenSession": dbus.Error{Name: "org.freedesktop.DBus.Error.NotSupported"}}, class: store.Other},
		{name: "an answer of another form", answers: map[string]any{"SearchItems": []any{"text"}}, class: store.Other},
		{name: "a locked that is no yes or no", answers: map[string]any{"SearchItems": []any{[]dbus.ObjectPath{}}, "Get": []any{dbus.MakeVariant("perhaps")}}, class: store.Other},
		{name: "the bus wants another proof", greeting: "REJECTED DBUS_COOKIE_SHA1\r\n", class: store.NoBus},
		{name: "no bus at all", greeting: "HTTP/1.1 400 Bad Request\r\n", class: store.NoBus},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			greeting := c.greeting
			if greeting == "" {
				greeting = ok
			}
			p := play(t, greeting, func(_ *played, call *dbus.Message, member string) any {
				if call.Headers[dbus.FieldPath].Value() == dbus.ObjectPath("/default") && member == "SearchItems" {
					return c.inDefault
				}
				if a, ok := c.answers[member]; ok {
					return a
				}
				return willing(member)
			})
			value, err := p.load(t.Context(), Config{})
			switch {
			case c.class != "":
				wantError(t, err, c.class, `reading keychain entry "acme"`)
			case c.notFound != errors.Is(err, store.ErrNotFound), !c.notFound && err != nil:
				t.Errorf("error %v", err)
			}
			if value != c.value {
				t.Errorf("value %q, want %q", value, c.value)
			}
			for _, member := range p.calls() {
				if member == "Unlock" || member == "Prompt" {
					t.Errorf("a read that may not prompt called %s", member)
				}
			}
		})
	}
}

// TestReadGoesOn: an entry that is removed between the search and the read is
// looked for once more.
func TestReadGoesOn(t *testing.T) {
	gone := dbus.Error{Name: "org.freedesktop.DBus.Error.UnknownMethod", Body: []any{"no such path"}}
	for _, c := range []struct {
		name         string
		second, item any
		value        string
		err          error
	}{
		{"another stands there now", []any{[]dbus.ObjectPath{"/item/3"}}, willing("GetSecret"), "value", nil},
		{"nothing stands there now", []any{[]dbus.ObjectPath{}}, nil, "", store.ErrNotFound},
		{"that one is gone as well", []any{[]dbus.ObjectPath{"/item/3"}}, gone, "", errGone},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			searches := 0
			p := play(t, ok, func(_ *played, call *dbus.Message, member string) any {
				switch path := call.Headers[dbus.FieldPath].Value(); {
				case member == "SearchItems":
					if searches++; searches == 2 {
						return c.second
					}
				case member == "Get":
					return []any{dbus.MakeVariant(false)}
				case path == dbus.ObjectPath("/item/1"):
					return gone
				case path == dbus.ObjectPath("/item/3"):
					return c.item
				}
				return willing(member)
			})
			value, err := p.load(t.Context(), Config{})
			if value != c.value || !errors.Is(err, c.err) {
				t.Errorf("%q, %v; want %q, %v", value, err, c.value, c.err)
			}
			if p.calls(); searches != 2 {
				t.Errorf("%d searches", searches)
			}
		})
	}
}

// TestReadMayPrompt: with a person there, a locked entry opens the system's
// dialog, which goes when the time is over.
func TestReadMayPrompt(t *testing.T) {
	stop := errors.New("stopped")
	for _, c := range []struct {
		name string
		// prompted answers Prompt; nil leaves the dialog open.
		prompted []any
		limit    time.Duration
		cancel   bool
		class    store.Class
		value    string
		last     string // the last call
	}{
		{name: "the password is typed", prompted: []any{false, dbus.MakeVariant("")}, value: "value", last: "GetSecret"},
		{name: "the dialog is cancelled", prompted: []any{true, dbus.MakeVariant("")}, class: store.Locked, last: "Prompt"},
		{name: "nobody answers", limit: 300 * time.Millisecond, class: store.Timeout, last: "Dismiss"},
		{name: "we are interrupted", cancel: true, last: "Dismiss"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			unlocked := false
			p := play(t, ok, func(p *played, call *dbus.Message, member string) any {
				switch member {
				case "GetSecret":
					if !unlocked {
						return dbus.Error{Name: "org.freedesktop.Secret.Error.IsLocked"}
					}
				case "Unlock":
					return []any{[]dbus.ObjectPath{}, dbus.ObjectPath("/prompt/1")}
				case "AddMatch", "Dismiss":
					return []any{}
				case "Prompt":
					p.send(call.Serial(), []any{})
					if c.cancel {
						cancel(stop)
					}
					if c.prompted != nil {
						unlocked = true
						_, _ = p.conn.Write(sent(t, binary.LittleEndian, dbus.TypeSignal, 0, c.prompted...))
					}
					return nil
				}
				return willing(member)
			})
			value, err := p.load(ctx, Config{MayPrompt: true, Limit: c.limit})
			if value != c.value {
				t.Errorf("value %q, want %q", value, c.value)
			}
			switch {
			case c.cancel:
				if !errors.Is(err, stop) {
					t.Errorf("error %v, want what ended the context", err)
				}
			case c.class != "":
				wantError(t, err, c.class, `reading keychain entry "acme"`)
			case err != nil:
				t.Error(err)
			}
			if calls := p.calls(); calls[len(calls)-1] != c.last {
				t.Errorf("the last of the calls %q is not %q", calls, c.last)
			}
		})
	}
}

// TestReadIsCancelled: a service that says nothing holds nobody.
func TestReadIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stopped")
	p := play(t, ok, func(_ *played, _ *dbus.Message, member string) any {
		if member == "ReadAlias" {
			cancel(stop)
		}
		return nil
	})
	if _, err := p.load(ctx, Config{}); !errors.Is(err, stop) {
		t.Errorf("error %v, want what ended the context", err)
	}
}

// TestReadSaysThatItWaits: once, and then goes on waiting.
func TestReadSaysThatItWaits(t *testing.T) {
	waiting := make(chan struct{}, 10)
	p := play(t, ok, func(_ *played, _ *dbus.Message, member string) any {
		if member == "GetSecret" {
			<-waiting
		}
		return willing(member)
	})
	value, err := p.load(t.Context(), Config{Waiting: func() { waiting <- struct{}{} }})
	if value != "value" || err != nil || len(waiting) != 0 {
		t.Errorf("%q, %v, and %d more lines", value, err, len(waiting))
	}
}
