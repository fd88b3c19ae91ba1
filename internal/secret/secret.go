// Package secret holds text that must not be printed by accident: tokens,
// codes, verifiers and client secrets.
//
// A Text prints as [redacted] under every verb of fmt, in JSON, in log/slog,
// and inside structs, exported field or not. Reveal is the only way out, so
// that a search for "Reveal(" finds every place where a secret leaves on
// purpose. The package does not wipe memory: Go's collector copies strings.
package secret

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Text is a secret string. The zero value is the empty secret. It is
// immutable and safe for concurrent use. Compare with Equal: == compares
// identity.
type Text struct {
	// A pointer, because fmt prints the fields of unexported struct fields
	// without calling their methods: of a pointer it prints an address only.
	p *string
}

// New wraps s.
func New(s string) Text {
	if s == "" {
		return Text{}
	}
	return Text{p: &s}
}

// Reveal returns the secret itself.
func (t Text) Reveal() string {
	if t.p == nil {
		return ""
	}
	return *t.p
}

// IsZero reports whether the secret is empty; encoding/json's omitzero uses it.
func (t Text) IsZero() bool { return t.p == nil }

// Len returns the secret's length in bytes.
func (t Text) Len() int { return len(t.Reveal()) }

// Equal reports whether both hold the same text, in time that depends only on
// their lengths.
func (t Text) Equal(u Text) bool {
	return subtle.ConstantTimeCompare([]byte(t.Reveal()), []byte(u.Reveal())) == 1
}

// String returns a placeholder, never the secret.
func (t Text) String() string {
	if t.IsZero() {
		return ""
	}
	return redacted
}

// Format writes the placeholder under every verb, %x and %#v included.
func (t Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// MarshalText gives encoders the placeholder.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// LogValue gives log/slog the placeholder.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.String()) }
