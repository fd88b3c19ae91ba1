package keychain

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"
)

// TestCallsByTheLibrary: another implementation reads what we write.
func TestCallsByTheLibrary(t *testing.T) {
	attributes := func(pairs ...string) (body encoder) {
		body.array(8, func() {
			for i := 0; i < len(pairs); i += 2 {
				body.align(8)
				body.text(pairs[i])
				body.text(pairs[i+1])
			}
		})
		return body
	}
	text := func(words ...string) (body encoder) {
		for _, w := range words {
			body.text(w)
		}
		return body
	}
	session := text("plain")
	session.signature("s")
	session.text("")
	paths := func(list ...string) (body encoder) {
		body.array(4, func() {
			for _, p := range list {
				body.text(p)
			}
		})
		return body
	}
	for _, c := range []struct {
		name string
		call call
		want []any
	}{
		{"no argument", call{busName, busPath, busName, "Hello", "", nil}, nil},
		{"a text and a variant", call{secretsName, secretsRoot, "a.B", "OpenSession", "sv", session}, []any{"plain", dbus.MakeVariant("")}},
		{"attributes", call{secretsName, loginCollection, "a.B", "SearchItems", "a{ss}", attributes("service", "xeroauth", "username", "acme@0123abcd#client")},
			[]any{map[string]string{"service": "xeroauth", "username": "acme@0123abcd#client"}}},
		{"no attributes", call{secretsName, loginCollection, "a.B", "SearchItems", "a{ss}", attributes()}, []any{map[string]string{}}},
		{"two texts", call{secretsName, "/", "a.B", "Get", "ss", text("a", "longer")}, []any{"a", "longer"}},
		{"paths", call{secretsName, "/", "a.B", "Unlock", "ao", paths("/a", "/bc/d")}, []any{[]dbus.ObjectPath{"/a", "/bc/d"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, serial := range []uint32{1, 0x01020304} {
				m, err := dbus.DecodeMessage(bytes.NewReader(c.call.encode(serial)))
				if err != nil {
					t.Fatal(err)
				}
				if m.Type != dbus.TypeMethodCall || m.Flags != 0 || m.Serial() != serial {
					t.Errorf("type %v, flags %d, serial %d", m.Type, m.Flags, m.Serial())
				}
				for field, want := range map[dbus.HeaderField]any{
					dbus.FieldDestination: c.call.destination, dbus.FieldPath: dbus.ObjectPath(c.call.path),
					dbus.FieldInterface: c.call.iface, dbus.FieldMember: c.call.member,
				} {
					if got := m.Headers[field].Value(); got != want {
						t.Errorf("field %d is %v, want %v", field, got, want)
					}
				}
				if !reflect.DeepEqual(m.Body, c.want) {
					t.Errorf("body %#v, want %#v", m.Body, c.want)
				}
			}
		})
	}
}

// sent is a message as another implementation writes it, an answer to the
// call with that serial.
func sent(t testing.TB, order binary.ByteOrder, kind dbus.Type, answers uint32, body ...any) []byte {
	t.Helper()
	m := &dbus.Message{Type: kind, Body: body, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldReplySerial: dbus.MakeVariant(answers), dbus.FieldSender: dbus.MakeVariant(":1.7"),
	}}
	if len(body) > 0 {
		m.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(body...))
	}
	switch kind {
	case dbus.TypeError:
		m.Headers[dbus.FieldErrorName] = dbus.MakeVariant("org.example.Error.Bad")
	case dbus.TypeSignal:
		m.Headers[dbus.FieldPath] = dbus.MakeVariant(dbus.ObjectPath("/prompt/1"))
		m.Headers[dbus.FieldInterface] = dbus.MakeVariant("org.example.Prompt")
		m.Headers[dbus.FieldMember] = dbus.MakeVariant("Completed")
	}
	var b bytes.Buffer
	if err := m.EncodeTo(&b, order); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sentError is an error that answers a call.
func sentError(t testing.TB, answers uint32, e dbus.Error) []byte {
	t.Helper()
	m := &dbus.Message{Type: dbus.TypeError, Body: e.Body, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldReplySerial: dbus.MakeVariant(answers), dbus.FieldErrorName: dbus.MakeVariant(e.Name),
	}}
	if len(e.Body) > 0 {
		m.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(e.Body...))
	}
	var b bytes.Buffer
	if err := m.EncodeTo(&b, binary.LittleEndian); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// secretStruct is what GetSecret answers.
type secretStruct struct {
	Session           dbus.ObjectPath
	Parameters, Value []byte
	ContentType       string
}

// TestRepliesOfTheLibrary: we read what another implementation writes, in
// both orders of bytes.
func TestRepliesOfTheLibrary(t *testing.T) {
	value := strings.Repeat("v", 2500)
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		read := func(b []byte) message {
			t.Helper()
			in := bufio.NewReader(bytes.NewReader(b))
			m, err := readMessage(in)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
				t.Error("not all of the message was read")
			}
			return m
		}
		m := read(sent(t, order, dbus.TypeMethodReply, 3, []dbus.ObjectPath{"/a", "/bc/d"}, dbus.ObjectPath("/")))
		if got, last := m.body.paths(), m.body.text(); m.kind != methodReply || m.serial != 3 || m.signature != "aoo" || m.body.bad ||
			!reflect.DeepEqual(got, []string{"/a", "/bc/d"}) || last != "/" || m.failure() != nil {
			t.Errorf("%v: paths %q, then %q: %+v", order, got, last, m)
		}
		m = read(sent(t, order, dbus.TypeMethodReply, 70000, secretStruct{"/s/1", []byte{}, []byte(value), "text/plain"}))
		session, parameters, got, kind := m.body.text(), m.body.octets(), string(m.body.octets()), m.body.text()
		if m.signature != "(oayays)" || m.serial != 70000 || m.body.bad || session != "/s/1" || len(parameters) != 0 || got != value || kind != "text/plain" {
			t.Errorf("%v: a secret: %q %q %d bytes %q", order, session, parameters, len(got), kind)
		}
		for _, want := range []any{"text", true, false, uint32(7), byte(9), []byte{1, 2}} {
			m = read(sent(t, order, dbus.TypeMethodReply, 1, dbus.MakeVariant(want)))
			if got := m.body.variant(); !reflect.DeepEqual(got, want) || m.body.bad {
				t.Errorf("%v: a variant is %#v, want %#v", order, got, want)
			}
		}
		m = read(sent(t, order, dbus.TypeMethodReply, 1, dbus.MakeVariant(3.5)))
		if got := m.body.variant(); got != nil || !m.body.bad {
			t.Errorf("%v: a variant that nobody expects is %#v", order, got)
		}
		m = read(sent(t, order, dbus.TypeSignal, 0, true, dbus.MakeVariant("")))
		if m.kind != signal || m.path != "/prompt/1" || m.member != "Completed" || m.signature != "bv" || m.body.number() != 1 {
			t.Errorf("%v: a signal: %+v", order, m)
		}
		var e dbus.Error
		if err := read(sent(t, order, dbus.TypeError, 2, "bad luck")).failure(); !errors.As(err, &e) || e.Name != "org.example.Error.Bad" || e.Error() != "bad luck" {
			t.Errorf("%v: an error: %#v", order, err)
		}
		if err := read(sent(t, order, dbus.TypeError, 2)).failure(); !errors.As(err, &e) || e.Name != "org.example.Error.Bad" {
			t.Errorf("%v: an error without a text: %#v", order, err)
		}
	}
}

func TestBadMessages(t *testing.T) {
	good := sent(t, binary.LittleEndian, dbus.TypeMethodReply, 3, "text")
	with := func(at int, b ...byte) []byte {
		bad := bytes.Clone(good)
		copy(bad[at:], b)
		return bad
	}
	for _, c := range []struct {
		name  string
		bytes []byte
		want  error
	}{
		{"nothing", nil, io.EOF},
		{"a piece of the beginning", good[:9], io.ErrUnexpectedEOF},
		{"a piece", good[:len(good)-1], io.ErrUnexpectedEOF},
		{"an order that is none", with(0, 'x'), errMessage},
		{"another version", with(3, 2), errMessage},
		{"a huge body", with(4, 0xff, 0xff, 0xff, 0xff), errMessage},
		{"huge fields", with(12, 0xff, 0xff, 0xff, 0xff), errMessage},
		{"a field that is cut off", with(12, 9), errMessage},
		{"text of HTTP", []byte("HTTP/1.1 400 Bad Request\r\n\r\n"), errMessage},
	} {
		t.Run(c.name, func(t *testing.T) {
			if m, err := readMessage(bufio.NewReader(bytes.NewReader(c.bytes))); !errors.Is(err, c.want) {
				t.Errorf("%+v, error %v; want %v", m, err, c.want)
			}
		})
	}
	short := decoder{b: []byte{9, 0, 0, 0, 'a'}, order: binary.LittleEndian}
	if got := short.text(); !short.bad {
		t.Errorf("a text longer than its message is %q", got)
	}
}

// FuzzMessage: whatever comes from the bus, a read ends without a panic and
// takes no more memory than a message may have.
func FuzzMessage(f *testing.F) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		f.Add(sent(f, order, dbus.TypeMethodReply, 3, []dbus.ObjectPath{"/a"}, dbus.ObjectPath("/")))
		f.Add(sent(f, order, dbus.TypeMethodReply, 2, dbus.MakeVariant(""), dbus.ObjectPath("/s/1")))
		f.Add(sent(f, order, dbus.TypeMethodReply, 4, secretStruct{"/s/1", nil, []byte("value"), "text/plain"}))
		f.Add(sent(f, order, dbus.TypeError, 2, "bad luck"))
		f.Add(sent(f, order, dbus.TypeSignal, 0, true, dbus.MakeVariant("")))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		in := bufio.NewReader(bytes.NewReader(b))
		for {
			m, err := readMessage(in)
			if err != nil {
				return
			}
			_ = m.failure()
			for _, read := range []func(d *decoder){
				func(d *decoder) { d.paths(); d.text() },
				func(d *decoder) { d.variant(); d.text() },
				func(d *decoder) { d.text(); d.octets(); d.octets() },
				func(d *decoder) { d.number(); d.variant() },
			} {
				d := m.body
				if read(&d); d.at > len(d.b) {
					t.Errorf("read up to %d of %d bytes", d.at, len(d.b))
				}
			}
		}
	})
}

func TestSockets(t *testing.T) {
	for _, c := range []struct {
		address, name string
		ok            bool
	}{
		{"unix:path=/run/user/1000/bus", "/run/user/1000/bus", true},
		{"unix:path=/tmp/dbus-x,guid=0123", "/tmp/dbus-x", true},
		{"unix:guid=0123,path=/tmp/dbus-x", "/tmp/dbus-x", true},
		{"unix:abstract=/tmp/dbus-x,guid=0123", "@/tmp/dbus-x", true},
		{"unix:path=/tmp/with%20space%2c", "/tmp/with space,", true},
		{"unix:path=/a+b", "/a+b", true},
		{"unix:path=/a,abstract=/b", "", false},
		{"unix:path=/a;unix:path=/b", "", false},
		{"unix:path=/a%zz", "", false},
		{"unix:path=", "", false},
		{"unix:", "", false},
		{"unix:guid=0123", "", false},
		{"tcp:host=localhost,port=1", "", false},
		{"disabled:", "", false},
		{"garbage", "", false},
	} {
		if name, ok := socket(c.address); ok != c.ok || ok && name != c.name {
			t.Errorf("%q is %q, %t; want %q, %t", c.address, name, ok, c.name, c.ok)
		}
	}
}
