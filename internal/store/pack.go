package store

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/xeroauth/xeroauth/internal/secret"
)

// MaxPacked is the most bytes a keychain entry may have: Windows' Credential
// Manager takes 2,560, and macOS's tool 4,096 a line after a second base64.
const MaxPacked = 2500

const (
	packedPrefix = "x1."
	// maxInflated bounds what a damaged or planted entry can make us allocate.
	maxInflated = 64 << 10
	sumSize     = 4
)

var (
	// errUnpackable keeps a session from being saved in a form that could not be
	// read again.
	errUnpackable = errors.New("the session is too large to be kept, or holds what a token cannot hold")

	errDamaged = errors.New("the entry is damaged")
	errNewer   = errors.New("the entry was written by a newer version of xeroauth")
)

func unpackClass(err error) Class {
	if errors.Is(err, errNewer) {
		return Newer
	}
	return Damaged
}

// packedRecord is the text part of the format x1. Its keys are short and
// frozen: a change of meaning is x2. Scopes have the form of a token's own
// claim, so that deflate finds them twice.
type packedRecord struct {
	Account    string   `json:"p"`
	ClientID   string   `json:"c"`
	App        string   `json:"k"`
	Authority  string   `json:"a,omitempty"`
	Refresh    string   `json:"r,omitempty"`
	Obtained   int64    `json:"o"`
	Expiry     int64    `json:"e"`
	RefreshAt  int64    `json:"t,omitempty"`
	UserID     string   `json:"u,omitempty"`
	UserName   string   `json:"n,omitempty"`
	UserEmail  string   `json:"m,omitempty"`
	Generation int      `json:"g"`
	Refreshing int64    `json:"b,omitempty"`
	Rejected   int64    `json:"x,omitempty"`
	Due        bool     `json:"w,omitempty"`
	Scopes     []string `json:"scope"`
}

// Pack writes a record as one line of ASCII that fits every keychain:
//
//	"x1." base64url( sum[4] uvarint(len(sig)) sig deflate( meta NUL token ) )
//
// where sum begins the SHA-256 of all that follows it, and token is a JWT's
// header and payload as text with NUL between them and its signature in sig,
// or the raw token when it is not a JWT that comes back bit for bit. The
// account is part of it, so that an entry of another profile is noticed.
func Pack(account string, r Record) (secret.Text, error) {
	meta, err := json.Marshal(packedRecord{
		Account: account, ClientID: r.ClientID, App: r.App, Authority: r.Authority, Refresh: r.RefreshToken.Reveal(),
		Obtained: unix(r.ObtainedAt), Expiry: unix(r.Expiry), RefreshAt: unix(r.RefreshObtainedAt),
		UserID: r.User.ID, UserName: r.User.Name, UserEmail: r.User.Email,
		Generation: r.Generation, Refreshing: unix(r.RefreshingSince), Rejected: unix(r.RejectedAt), Due: r.WritebackDue, Scopes: r.Scopes,
	})
	if err != nil {
		return secret.Text{}, err
	}
	text, sig, isJWT := splitToken(r.AccessToken.Reveal())
	if len(meta)+1+len(text) > maxInflated || !isJWT && strings.Contains(text, "\x00") {
		return secret.Text{}, errUnpackable
	}
	body := binary.AppendUvarint(make([]byte, sumSize), uint64(len(sig)))
	out := bytes.NewBuffer(append(body, sig...))
	w, err := flate.NewWriter(out, flate.BestCompression)
	if err != nil {
		return secret.Text{}, err
	}
	// Writes into a bytes.Buffer do not fail.
	_, _ = w.Write(append(append(meta, 0), text...))
	_ = w.Close()
	sum := sha256.Sum256(out.Bytes()[sumSize:])
	copy(out.Bytes(), sum[:sumSize])
	return secret.New(packedPrefix + base64.RawURLEncoding.EncodeToString(out.Bytes())), nil
}

// splitToken takes a JWT's three parts out of base64url, in which deflate
// finds nothing to save, unless one would not come back bit for bit.
func splitToken(token string) (text string, sig []byte, isJWT bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return token, nil, false
	}
	var raw [3][]byte
	for i, p := range parts {
		b, err := base64.RawURLEncoding.DecodeString(p)
		if err != nil || base64.RawURLEncoding.EncodeToString(b) != p || i < 2 && bytes.IndexByte(b, 0) >= 0 {
			return token, nil, false
		}
		raw[i] = b
	}
	return string(raw[0]) + "\x00" + string(raw[1]), raw[2], true
}

func joinToken(parts []string, sig []byte) string {
	if len(parts) == 1 {
		return parts[0]
	}
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(parts[0])) + "." + enc([]byte(parts[1])) + "." + enc(sig)
}

// Unpack reads what Pack wrote for account.
func Unpack(account string, value secret.Text) (Record, error) {
	text := value.Reveal()
	encoded, ok := strings.CutPrefix(text, packedPrefix)
	if !ok {
		if isNewer(text) {
			return Record{}, errNewer
		}
		return Record{}, errDamaged
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil || len(b) < sumSize {
		return Record{}, errDamaged
	}
	if sum := sha256.Sum256(b[sumSize:]); !bytes.Equal(sum[:sumSize], b[:sumSize]) {
		return Record{}, errDamaged
	}
	n, used := binary.Uvarint(b[sumSize:])
	b = b[sumSize+max(used, 0):]
	if used <= 0 || n > uint64(len(b)) {
		return Record{}, errDamaged
	}
	sig, deflated := b[:n], b[n:]
	inflated, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(deflated)), maxInflated+1))
	if err != nil || len(inflated) > maxInflated {
		return Record{}, errDamaged
	}
	parts := strings.Split(string(inflated), "\x00")
	var p packedRecord
	if len(parts) < 2 || len(parts) > 3 || json.Unmarshal([]byte(parts[0]), &p) != nil {
		return Record{}, errDamaged
	}
	if p.Account != account {
		return Record{}, fmt.Errorf("%w: it belongs to %q", errDamaged, p.Account)
	}
	return Record{
		ClientID: p.ClientID, App: p.App, Authority: p.Authority,
		AccessToken: secret.New(joinToken(parts[1:], sig)), RefreshToken: secret.New(p.Refresh),
		ObtainedAt: fromUnix(p.Obtained), Expiry: fromUnix(p.Expiry), RefreshObtainedAt: fromUnix(p.RefreshAt),
		Scopes: p.Scopes, User: User{ID: p.UserID, Name: p.UserName, Email: p.UserEmail},
		Generation: p.Generation, RefreshingSince: fromUnix(p.Refreshing), RejectedAt: fromUnix(p.Rejected), WritebackDue: p.Due,
	}, nil
}

// isNewer reports whether text has the prefix of a later format: x2. and on.
func isNewer(text string) bool {
	digits, _, ok := strings.Cut(strings.TrimPrefix(text, "x"), ".")
	return ok && strings.HasPrefix(text, "x") && digits != "" && len(digits) < 4 && strings.Trim(digits, "0123456789") == ""
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func fromUnix(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}
