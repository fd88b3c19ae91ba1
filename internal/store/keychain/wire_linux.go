package keychain

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/godbus/dbus/v5"
)

// This file is as much of D-Bus as a read takes: five kinds of call, their
// replies, one signal. A library waits for an answer to each step of the
// greeting; here greeting and questions are one write, which makes a read of
// an entry twice as fast (docs/benchmarks.md).
//
// https://dbus.freedesktop.org/doc/dbus-specification.html

// maxMessage bounds what is read of a message, in bytes. Entries have 2,500.
const maxMessage = 1 << 20

var errMessage = errors.New("the bus sent what is no message")

// What a message can be.
const (
	methodCall byte = iota + 1
	methodReply
	errorReply
	signal
)

// What a header field says.
const (
	fieldPath byte = iota + 1
	fieldInterface
	fieldMember
	fieldErrorName
	fieldReplySerial
	fieldDestination
	fieldSender
	fieldSignature
)

// encoder writes values, each at its own alignment, in little-endian order.
type encoder []byte

func (e *encoder) align(n int) {
	for len(*e)%n != 0 {
		*e = append(*e, 0)
	}
}

func (e *encoder) number(v uint32) {
	e.align(4)
	*e = binary.LittleEndian.AppendUint32(*e, v)
}

// text is a string or the path of an object.
func (e *encoder) text(s string) {
	e.number(uint32(len(s))) //nolint:gosec // our own short texts
	*e = append(append(*e, s...), 0)
}

func (e *encoder) signature(s string) {
	*e = append(append(append(*e, byte(len(s))), s...), 0) //nolint:gosec // our own short texts
}

// array writes what items writes, with its length before it; each item begins
// at the alignment given.
func (e *encoder) array(alignment int, items func()) {
	e.number(0)
	length := len(*e) - 4
	e.align(alignment)
	start := len(*e)
	items()
	binary.LittleEndian.PutUint32((*e)[length:], uint32(len(*e)-start)) //nolint:gosec // our own short texts
}

// call is one method call of ours. Its body is encoded from an offset of zero.
type call struct {
	destination, path, iface, member string
	signature                        string
	body                             encoder
}

func (c call) encode(serial uint32) []byte {
	e := encoder{'l', methodCall, 0, 1}
	e.number(uint32(len(c.body))) //nolint:gosec // our own short texts
	e.number(serial)
	e.array(8, func() {
		field := func(key byte, signature, value string) {
			e.align(8)
			e = append(e, key)
			e.signature(signature)
			if signature == "g" {
				e.signature(value)
			} else {
				e.text(value)
			}
		}
		field(fieldPath, "o", c.path)
		field(fieldInterface, "s", c.iface)
		field(fieldMember, "s", c.member)
		field(fieldDestination, "s", c.destination)
		if c.signature != "" {
			field(fieldSignature, "g", c.signature)
		}
	})
	e.align(8)
	return append(e, c.body...)
}

// decoder reads values. What does not fit makes it bad for good, and every
// later value empty.
type decoder struct {
	b     []byte
	at    int
	order binary.ByteOrder
	bad   bool
}

func (d *decoder) take(alignment, n int) []byte {
	from := (d.at + alignment - 1) / alignment * alignment
	if d.bad || n < 0 || from > len(d.b) || n > len(d.b)-from {
		d.bad = true
		return make([]byte, max(0, min(n, 8)))
	}
	d.at = from + n
	return d.b[from:d.at]
}

func (d *decoder) octet() byte { return d.take(1, 1)[0] }

func (d *decoder) number() uint32 { return d.order.Uint32(d.take(4, 4)) }

func (d *decoder) text() string {
	n := d.number()
	s := string(d.take(1, int(n)))
	d.octet() // the NUL
	return s
}

func (d *decoder) signature() string {
	s := string(d.take(1, int(d.octet())))
	d.octet() // the NUL
	return s
}

func (d *decoder) octets() []byte { return d.take(1, int(d.number())) }

func (d *decoder) paths() []string {
	var paths []string
	size := int(d.number())
	for end := d.at + size; d.at < end && !d.bad; {
		paths = append(paths, d.text())
	}
	return paths
}

// variant reads one of the simple values that a variant holds here; another
// makes the decoder bad.
func (d *decoder) variant() any {
	switch d.signature() {
	case "s", "o":
		return d.text()
	case "g":
		return d.signature()
	case "u":
		return d.number()
	case "b":
		return d.number() != 0
	case "y":
		return d.octet()
	case "ay":
		return d.octets()
	case "ao":
		return d.paths()
	}
	d.bad = true
	return nil
}

// message is one that came in.
type message struct {
	kind                               byte
	serial                             uint32 // of the call that it answers
	path, member, errorName, signature string
	body                               decoder
}

// failure is what an error reply says, else nil.
func (m message) failure() error {
	if m.kind != errorReply {
		return nil
	}
	e := dbus.Error{Name: m.errorName}
	if len(m.signature) > 0 && m.signature[0] == 's' {
		e.Body = []any{m.body.text()}
	}
	return e
}

// is checks that a reply has the form that the caller goes on to read.
func (m message) is(signature string) error {
	if m.signature != signature {
		return fmt.Errorf("the secret service answered %q where %q is expected", m.signature, signature)
	}
	return nil
}

func readMessage(r *bufio.Reader) (message, error) {
	var fixed [16]byte
	if _, err := io.ReadFull(r, fixed[:]); err != nil {
		return message{}, err
	}
	var order binary.ByteOrder
	switch fixed[0] {
	case 'l':
		order = binary.LittleEndian
	case 'B':
		order = binary.BigEndian
	default:
		return message{}, errMessage
	}
	bodySize, fieldsSize := uint64(order.Uint32(fixed[4:])), uint64(order.Uint32(fixed[12:]))
	padded := (fieldsSize + 7) / 8 * 8
	if fixed[3] != 1 || padded+bodySize > maxMessage {
		return message{}, errMessage
	}
	rest := make([]byte, padded+bodySize)
	if _, err := io.ReadFull(r, rest); err != nil {
		return message{}, err
	}
	m := message{kind: fixed[1], body: decoder{b: rest[padded:], order: order}}
	// The fields begin at 16, so that their alignments count from 0 too.
	fields := decoder{b: rest[:fieldsSize], order: order}
	for fields.at < len(fields.b) && !fields.bad {
		m.set(fields.take(8, 1)[0], fields.variant())
	}
	if fields.bad {
		return message{}, errMessage
	}
	return m, nil
}

// set notes one header field. One of the wrong type, or that nobody needs, is
// passed over.
func (m *message) set(field byte, value any) {
	switch v := value.(type) {
	case string:
		switch field {
		case fieldPath:
			m.path = v
		case fieldMember:
			m.member = v
		case fieldErrorName:
			m.errorName = v
		case fieldSignature:
			m.signature = v
		}
	case uint32:
		if field == fieldReplySerial {
			m.serial = v
		}
	}
}
