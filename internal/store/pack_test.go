package store_test

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
)

// noise gives n bytes that no compressor makes smaller, the same in every run.
func noise(seed string, n int) []byte {
	var out []byte
	for i := 0; len(out) < n; i++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", seed, i))
		out = append(out, sum[:]...)
	}
	return out[:n]
}

func hexNoise(seed string, n int) string { return fmt.Sprintf("%x", noise(seed, n)) }

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// jwt makes a token of the size and claims of Xero's, with a signature of
// RSA 2048.
func jwt(t *testing.T, scopes []string) string {
	t.Helper()
	claims, err := json.Marshal(map[string]any{
		"nbf": 1795253400, "exp": 1795255200, "iss": "https://identity.xero.com", "aud": "https://identity.xero.com/resources",
		"client_id": strings.ToUpper(hexNoise("client", 16)), "sub": hexNoise("sub", 16), "auth_time": 1795253399,
		"xero_userid": uuid("user"), "global_session_id": hexNoise("session", 16), "sid": hexNoise("session", 16),
		"jti": strings.ToUpper(hexNoise("jti", 16)), "authentication_event_id": uuid("event"), "scope": scopes, "amr": []string{"mfa", "otp"},
	})
	if err != nil {
		t.Fatal(err)
	}
	header := `{"alg":"RS256","kid":"` + strings.ToUpper(hexNoise("kid", 20)) + `","x5t":"` + encode(noise("kid", 20)) + `","typ":"JWT"}`
	return encode([]byte(header)) + "." + encode(claims) + "." + encode(noise("signature", 256))
}

func uuid(seed string) string {
	h := hexNoise(seed, 16)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-8" + h[17:20] + "-" + h[20:]
}

// manyScopes are 48, more than any app asks for.
func manyScopes() []string {
	out := []string{"openid", "profile", "email", "offline_access"}
	for _, s := range strings.Fields(`invoices payments banktransactions manualjournals contacts settings attachments budgets
		reports.aged reports.balancesheet reports.banksummary reports.budgetsummary reports.executivesummary
		reports.profitandloss reports.trialbalance reports.taxreports reports.tenninetynine journals classicexpenses`) {
		out = append(out, "accounting."+s, "accounting."+s+".read")
	}
	out = append(out, strings.Fields("payroll.employees payroll.payruns payroll.payslip files assets projects")...)
	return out
}

func moment(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

// fullRecord has every field set.
func fullRecord(t *testing.T) store.Record {
	t.Helper()
	return store.Record{
		ClientID: "5A4DB0C0000000000000000000000001", App: "public", Authority: "http://localhost:9750",
		AccessToken: secret.New(jwt(t, []string{"openid", "offline_access", "accounting.settings"})), RefreshToken: secret.New("r-" + hexNoise("refresh", 20)),
		ObtainedAt: moment("2026-11-21T09:30:00Z"), Expiry: moment("2026-11-21T10:00:00Z"), RefreshObtainedAt: moment("2026-11-21T09:29:59Z"),
		Scopes:     []string{"openid", "offline_access", "accounting.settings"},
		User:       store.User{ID: uuid("user"), Name: "Ada \"the\u202e first\" Marlowe\n<&>", Email: "ada@example.com"},
		Generation: 7, RefreshingSince: moment("2026-11-21T09:59:00Z"), RejectedAt: moment("2026-11-21T09:59:30Z"),
	}
}

func pack(t testing.TB, account string, r store.Record) secret.Text {
	t.Helper()
	v, err := store.Pack(account, r)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// wantRecord says which field differs, without printing a secret.
func wantRecord(t testing.TB, got, want store.Record) {
	t.Helper()
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range w.NumField() {
		if !reflect.DeepEqual(g.Field(i).Interface(), w.Field(i).Interface()) {
			t.Errorf("%s is %v, want %v", w.Type().Field(i).Name, g.Field(i), w.Field(i))
		}
	}
}

func TestPackComesBack(t *testing.T) {
	part := func(s string) string { return encode([]byte(s)) }
	for _, c := range []struct {
		name   string
		change func(*store.Record)
	}{
		{"every field set", func(*store.Record) {}},
		{"nothing but an account", func(r *store.Record) { *r = store.Record{} }},
		{"scopes unknown", func(r *store.Record) { r.Scopes = nil }},
		{"scopes known to be none", func(r *store.Record) { r.Scopes = []string{} }},
		{"no mark", func(r *store.Record) { r.RefreshingSince, r.RejectedAt = time.Time{}, time.Time{} }},
		{"refreshing, not rejected", func(r *store.Record) { r.RejectedAt = time.Time{} }},
		{"to be written back", func(r *store.Record) { r.WritebackDue = true }},
		{"rejected, not refreshing", func(r *store.Record) { r.RefreshingSince = time.Time{} }},
		{"no refresh token", func(r *store.Record) { r.RefreshToken, r.RefreshObtainedAt = secret.Text{}, time.Time{} }},
		{"an opaque token", func(r *store.Record) { r.AccessToken = secret.New("opaque-" + hexNoise("opaque", 20)) }},
		{"no access token", func(r *store.Record) { r.AccessToken = secret.Text{} }},
		{"a token of two dots and nothing else", func(r *store.Record) { r.AccessToken = secret.New("..") }},
		{"a token of one dot", func(r *store.Record) { r.AccessToken = secret.New("ab.cd") }},
		{"a token of four parts", func(r *store.Record) { r.AccessToken = secret.New("YQ.YQ.YQ.YQ") }},
		{"a JWT whose payload is not canonical base64", func(r *store.Record) {
			r.AccessToken = secret.New(part("{}") + ".e31." + part("s")) // e30 and e31 both decode to {}
		}},
		{"a JWT whose signature is not canonical base64", func(r *store.Record) { r.AccessToken = secret.New(part("{}") + "." + part("{}") + ".YR") }},
		{"a JWT with padding", func(r *store.Record) { r.AccessToken = secret.New(part("{}") + "." + part("{}") + ".YQ==") }},
		{"a JWT in base64 of the other alphabet", func(r *store.Record) { r.AccessToken = secret.New(part("{}") + "." + part("{}") + ".+/+/") }},
		{"a JWT without a signature", func(r *store.Record) { r.AccessToken = secret.New(part("{}") + "." + part("{}") + ".") }},
		{"a JWT with NUL in its header", func(r *store.Record) { r.AccessToken = secret.New(part("{\x00}") + "." + part("{}") + "." + part("s")) }},
		{"a JWT with NUL in its payload", func(r *store.Record) { r.AccessToken = secret.New(part("{}") + "." + part("\x00") + "." + part("s")) }},
		{"a JWT with NUL in its signature", func(r *store.Record) {
			r.AccessToken = secret.New(part("{}") + "." + part("{}") + "." + part("a\x00b\x00"))
		}},
		{"a JWT with a long signature", func(r *store.Record) {
			r.AccessToken = secret.New(part("{}") + "." + part("{}") + "." + encode(noise("long", 1024)))
		}},
		{"NUL in the texts", func(r *store.Record) { r.User.Name, r.ClientID = "a\x00b", "\x00" }},
		{"a time before 1970", func(r *store.Record) { r.ObtainedAt = moment("1969-07-20T20:17:40Z") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := fullRecord(t)
			c.change(&want)
			packed := pack(t, "acme", want)
			if text := packed.Reveal(); !strings.HasPrefix(text, "x1.") || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
				t.Error("what is packed is not x1. and one line of visible ASCII")
			}
			got, err := store.Unpack("acme", packed)
			if err != nil {
				t.Fatal(err)
			}
			wantRecord(t, got, want)
		})
	}
}

// TestPackFitsEveryKeychain holds the number that the smallest keychain sets.
// The refresh token here is ten times longer than those seen.
func TestPackFitsEveryKeychain(t *testing.T) {
	scopes := manyScopes()
	if len(scopes) != 48 {
		t.Fatalf("the test has %d scopes", len(scopes))
	}
	r := fullRecord(t)
	r.Scopes, r.AccessToken = scopes, secret.New(jwt(t, scopes))
	r.RefreshToken = secret.New(encode(noise("refresh", 384)))
	if n := len(r.RefreshToken.Reveal()); n != 512 {
		t.Fatalf("the refresh token has %d characters", n)
	}
	account := strings.Repeat("p", 64) + "@0123abcd"
	packed := pack(t, account, r)
	n := len(packed.Reveal())
	t.Logf("48 scopes, an access token of %d characters and a refresh token of 512: %d bytes packed", len(r.AccessToken.Reveal()), n)
	if n > store.MaxPacked {
		t.Errorf("%d bytes, more than %d", n, store.MaxPacked)
	}
	got, err := store.Unpack(account, packed)
	if err != nil {
		t.Fatal(err)
	}
	wantRecord(t, got, r)
}

// TestGoldenStaysReadable reads an entry as the first release wrote it. It must
// pass for ever, or people lose their sessions with an update: a change of
// meaning is a new prefix, never a new golden file.
func TestGoldenStaysReadable(t *testing.T) {
	golden, err := os.ReadFile(filepath.Join("testdata", "record.x1"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(golden), "\n"), "\r")
	got, err := store.Unpack("acme", secret.New(text))
	if err != nil {
		t.Fatal(err)
	}
	wantRecord(t, got, fullRecord(t))
}

// wantClass asserts that an entry is reported as what it is, and that nothing
// of it is handed out.
func wantClass(t *testing.T, account, text string, want store.Class) {
	t.Helper()
	s := &store.Local{StoreName: "fake", Get: func(context.Context, string) (secret.Text, error) { return secret.New(text), nil }}
	r, version, err := store.LoadRecord(t.Context(), s, account)
	if !store.IsClass(err, want) {
		t.Errorf("%.40q…: error %v, want class %s", text, err, want)
	}
	if version == "" {
		t.Errorf("%.40q…: no version, so that nobody could replace it", text)
	}
	if !reflect.DeepEqual(r, store.Record{}) {
		t.Errorf("%.40q…: a record came with the error", text)
	}
}

func TestDamage(t *testing.T) {
	good := pack(t, "acme", fullRecord(t)).Reveal()
	t.Run("each byte flipped", func(t *testing.T) {
		for i := range good {
			for _, flip := range []byte{0x01, 0x20, 0x80, 0xff} {
				b := []byte(good)
				b[i] ^= flip
				want := store.Damaged
				if i == 1 && b[i] >= '0' && b[i] <= '9' {
					want = store.Newer // the one byte that says which format it is
				}
				wantClass(t, "acme", string(b), want)
			}
		}
	})
	t.Run("truncated at each length", func(t *testing.T) {
		for i := range good {
			wantClass(t, "acme", good[:i], store.Damaged)
		}
	})
	t.Run("swapped between profiles", func(t *testing.T) { wantClass(t, "other", good, store.Damaged) })
	t.Run("an account of another case", func(t *testing.T) { wantClass(t, "Acme", good, store.Damaged) })
	for name, text := range map[string]string{
		"something appended": good + "A", "a space before": " " + good, "twice": good + good,
		"another program's": `{"access_token":"x"}`, "the prefix alone": "x1.", "of version 1 in long": "x1" + good[2:3] + "!",
		"no version": "x." + good[3:], "a version that is no number": "x1a." + good[3:], "a capital": "X1." + good[3:],
	} {
		t.Run(name, func(t *testing.T) { wantClass(t, "acme", text, store.Damaged) })
	}
	for _, text := range []string{"x2." + good[3:], "x10." + good[3:], "x2.", "x999.whatever it is"} {
		t.Run("newer "+text[:3], func(t *testing.T) { wantClass(t, "acme", text, store.Newer) })
	}
}

// forge makes an entry with a right checksum around any content.
func forge(t *testing.T, sigLen uint64, sig, inflated []byte) string {
	t.Helper()
	var out bytes.Buffer
	out.Write(binary.AppendUvarint(nil, sigLen))
	out.Write(sig)
	w, err := flate.NewWriter(&out, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(inflated)
	w.Close()
	sum := sha256.Sum256(out.Bytes())
	return "x1." + encode(append(sum[:4:4], out.Bytes()...))
}

func TestForgedEntriesAreRefused(t *testing.T) {
	meta := []byte(`{"p":"acme","scope":null}`)
	filled := func(n int) []byte { // meta NUL token, n bytes in all
		b := append(bytes.Clone(meta), 0)
		return append(b, bytes.Repeat([]byte("a"), n-len(b))...)
	}
	t.Run("64 KiB are read", func(t *testing.T) {
		r, err := store.Unpack("acme", secret.New(forge(t, 0, nil, filled(64<<10))))
		if err != nil || len(r.AccessToken.Reveal()) != 64<<10-len(meta)-1 {
			t.Errorf("a token of %d bytes, error %v", len(r.AccessToken.Reveal()), err)
		}
	})
	for name, text := range map[string]string{
		"one byte more than 64 KiB":      forge(t, 0, nil, filled(64<<10+1)),
		"a bomb of 4 MiB":                forge(t, 0, nil, filled(4<<20)),
		"a signature longer than all":    forge(t, 1<<20, nil, filled(100)),
		"a signature length of 2^63":     forge(t, 1<<63, nil, filled(100)),
		"a signature length without end": "x1." + sealed(bytes.Repeat([]byte{0xff}, 40)),
		"nothing behind the checksum":    "x1." + sealed(nil),
		"no deflate stream":              "x1." + sealed([]byte{0}),
		"no token":                       forge(t, 0, nil, meta),
		"four parts":                     forge(t, 0, nil, append(bytes.Clone(meta), 0, 0, 0)),
		"no JSON":                        forge(t, 0, nil, []byte("{\x00token")),
		"a number for an account":        forge(t, 0, nil, []byte(`{"p":1}`+"\x00token")),
		"no account":                     forge(t, 0, nil, []byte("{}\x00token")),
	} {
		t.Run(name, func(t *testing.T) { wantClass(t, "acme", text, store.Damaged) })
	}
}

// TestBombIsNotInflated: an entry of a few kilobytes may not cost megabytes.
func TestBombIsNotInflated(t *testing.T) {
	bomb := secret.New(forge(t, 0, nil, bytes.Repeat([]byte("a"), 4<<20)))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := store.Unpack("acme", bomb)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; err == nil || took > 2<<20 {
		t.Errorf("4 MiB of nothing took %d bytes of memory; %v", took, err)
	}
}

// sealed puts a right checksum before b.
func sealed(b []byte) string {
	sum := sha256.Sum256(b)
	return encode(append(sum[:4:4], b...))
}

func TestRefreshExpiry(t *testing.T) {
	r := store.Record{RefreshToken: secret.New("r"), RefreshObtainedAt: moment("2026-11-21T09:30:00Z")}
	if got, want := r.RefreshExpiry(), moment("2027-01-20T09:30:00Z"); !got.Equal(want) {
		t.Errorf("a refresh token lives until %s, want %s: 60 days", got, want)
	}
	r.RefreshToken = secret.Text{}
	if got := r.RefreshExpiry(); !got.IsZero() {
		t.Errorf("no refresh token lives until %s", got)
	}
}

// FuzzUnpack: whatever stands in an entry, reading it ends without a panic, and
// what is read is packed and read again as the same.
func FuzzUnpack(f *testing.F) {
	golden, err := os.ReadFile(filepath.Join("testdata", "record.x1"))
	if err != nil {
		f.Fatal(err)
	}
	text := strings.TrimSpace(string(golden))
	seed := func(raw []byte, fixSum bool) { f.Add(raw, fixSum) }
	seed([]byte(text), false)
	seed([]byte(text[:len(text)/2]), false)
	for _, s := range []string{"", "x", "x1.", "x2.", "x10.abc", "x1.AAAA", "not ours"} {
		seed([]byte(s), false)
	}
	// The same without the checksum, so that the fuzzer gets behind it.
	raw, err := base64.RawURLEncoding.DecodeString(text[3:])
	if err != nil {
		f.Fatal(err)
	}
	seed(raw[4:], true)
	for _, s := range []string{"", "\x00", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x02ab\x03\x00"} {
		seed([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, raw []byte, fixSum bool) {
		value := string(raw)
		if fixSum {
			value = "x1." + sealed(raw)
		}
		r, err := store.Unpack("acme", secret.New(value))
		if err != nil {
			if !reflect.DeepEqual(r, store.Record{}) {
				t.Error("a record came with the error")
			}
			return
		}
		if len(r.AccessToken.Reveal())+len(fmt.Sprint(r))+len(r.RefreshToken.Reveal()) > 8<<10 {
			return // escaped, it may be longer than what is read
		}
		again, err := store.Unpack("acme", pack(t, "acme", r))
		if err != nil {
			t.Fatal(err)
		}
		wantRecord(t, again, r)
	})
}
