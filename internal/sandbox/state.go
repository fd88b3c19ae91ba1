package sandbox

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"
)

// client is a registered app with what its user granted it.
type client struct {
	Client
	granted     []string // every scope ever consented to: consent only adds (docs/xero.md section 8)
	connections []*connection
	// generation counts revocations. A chain of an older generation is dead, so no list of chains is needed.
	generation int
	appMinute  window
	usage      map[string]*usage // by tenant id
}

// connection is one organisation that the user connected to one app.
type connection struct {
	id, tenantID, authEventID string
	created, updated          time.Time
}

// chain is everything that follows from one consent: each refresh token in it replaces the one before.
type chain struct {
	client      *client
	generation  int
	dead        bool // set when a strict sandbox saw a refresh token twice
	scopes      []string
	authEventID string
	sessionID   string
	authTime    time.Time
}

func (c *chain) alive() bool { return !c.dead && c.generation == c.client.generation }

// code is an authorization code that waits for its exchange.
type code struct {
	chain                                *chain
	redirectURI, challenge, nonce, state string
	expires                              time.Time
}

type refreshToken struct {
	chain             *chain
	issued, firstUsed time.Time // firstUsed is zero until the token is used
}

// accessToken is what the API side remembers of a token it signed. chain is nil for client credentials.
type accessToken struct {
	client  *client
	chain   *chain
	scopes  []string
	expires time.Time
}

// bounded is a map that forgets its oldest entries, so that a sandbox can run for weeks.
type bounded[V any] struct {
	limit int
	order []string
	items map[string]V
}

func newBounded[V any](limit int) *bounded[V] {
	return &bounded[V]{limit: limit, items: make(map[string]V)}
}

func (b *bounded[V]) put(key string, value V) {
	if _, known := b.items[key]; !known {
		b.order = append(b.order, key)
	}
	b.items[key] = value
	for len(b.order) > b.limit {
		delete(b.items, b.order[0])
		b.order = b.order[1:]
	}
}

// handle makes an opaque token of 43 base64url characters (docs/xero.md sections 1 and 6).
func handle() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func hex32() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func uuid() string {
	var b [16]byte
	rand.Read(b[:])
	return formatUUID(b)
}

// uuidOf is a UUID that stays the same for the same text.
func uuidOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return formatUUID([16]byte(sum[:16]))
}

func formatUUID(b [16]byte) string {
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
