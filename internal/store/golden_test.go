package store_test

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
)

var writeGolden = flag.Bool("golden.write", false, "write golden files that are missing")

func goldenTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

// goldenJWT has claims in the order and form that the program met in 2026. Its
// signature is the text itself: nobody signed it.
func goldenJWT(kind string) secret.Text {
	header := `{"alg":"RS256","kid":"1CAF8E66772D6DC028D6726FD0261581570EFC19","x5t":"HK-OZnctbcAo1nJv0CYVgVcO_Bk","typ":"JWT"}`
	claims := `{"nbf":1795253400,"exp":1795255200,"iss":"https://identity.xero.com","aud":"https://identity.xero.com/resources",` +
		`"client_id":"00112233445566778899AABBCCDDEEFF","sub":"a3a4dbafh3495a808ed7a7b964388f53","auth_time":1795253399,` +
		`"xero_userid":"1945393b-6eb7-4143-b083-7ab26cd7690b","authentication_event_id":"00000000-0000-4000-8000-000000000001",` +
		`"kind":"` + kind + `","scope":["openid","accounting.invoices","offline_access"],"amr":["mfa","otp"]}`
	return secret.New(encode([]byte(header)) + "." + encode([]byte(claims)) + "." + encode(noise("golden "+kind, 256)))
}

// goldenRecords are what the files of testdata/golden/records hold. An entry
// is never changed or removed.
func goldenRecords() map[string]store.Record {
	at := goldenTime("2026-11-21T09:30:00Z")
	return map[string]store.Record{
		"public": {
			ClientID: "00112233445566778899AABBCCDDEEFF", App: "public", AccessToken: goldenJWT("public"), RefreshToken: secret.New("golden_refresh-token_of.a~public+app/="),
			ObtainedAt: at, Expiry: at.Add(30 * time.Minute), RefreshObtainedAt: at, Scopes: []string{"openid", "accounting.invoices", "offline_access"},
			User: store.User{ID: "1945393b-6eb7-4143-b083-7ab26cd7690b", Name: "Ada Marlowe", Email: "ada.marlowe@example.com"}, Generation: 0,
		},
		"web-rotated": {
			ClientID: "FFEEDDCCBBAA99887766554433221100", App: "web", Authority: "http://localhost:9750", AccessToken: goldenJWT("web"), RefreshToken: secret.New("golden-refresh-token-of-a-web-app"),
			ObtainedAt: at.Add(time.Hour), Expiry: at.Add(90 * time.Minute), RefreshObtainedAt: at.Add(time.Hour), Scopes: []string{"accounting.invoices", "offline_access"},
			User: store.User{ID: "1945393b-6eb7-4143-b083-7ab26cd7690b", Name: "Ünïcode \"quoted\" \u202e <b>", Email: "ü@example.com"}, Generation: 4711,
		},
		"cut-off-and-rejected": {
			ClientID: "00112233445566778899AABBCCDDEEFF", App: "public", AccessToken: goldenJWT("marked"), RefreshToken: secret.New("golden-refresh-token-with-marks"),
			ObtainedAt: at, Expiry: at.Add(30 * time.Minute), RefreshObtainedAt: at, Scopes: []string{"offline_access"}, Generation: 2,
			RefreshingSince: at.Add(40 * time.Minute), RejectedAt: at.Add(41 * time.Minute),
		},
		"custom-connection": {
			ClientID: "0123456789ABCDEF0123456789ABCDEF", App: "custom", AccessToken: goldenJWT("custom"), ObtainedAt: at, Expiry: at.Add(30 * time.Minute),
			Scopes: []string{"accounting.settings"},
		},
		"opaque-token": {
			ClientID: "00112233445566778899AABBCCDDEEFF", App: "public", AccessToken: secret.New("golden.opaque.~token"), RefreshToken: secret.New("r"),
			ObtainedAt: at, Expiry: at.Add(30 * time.Minute), RefreshObtainedAt: at,
		},
	}
}

// TestGoldenRecords: what this version wrote is readable for ever.
func TestGoldenRecords(t *testing.T) {
	dir := filepath.Join("..", "..", "testdata", "golden", "records")
	records := goldenRecords()
	for name, want := range records {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name+".x1")
			b, err := os.ReadFile(path)
			if errors.Is(err, fs.ErrNotExist) && *writeGolden {
				packed, packErr := store.Pack("golden", want)
				if packErr != nil {
					t.Fatal(packErr)
				}
				b = []byte(packed.Reveal() + "\n")
				err = errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(path, b, 0o644))
			}
			if err != nil {
				t.Fatal(err)
			}
			text := strings.TrimSpace(string(b))
			got, err := store.Unpack("golden", secret.New(text))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("it holds %+v\nnot %+v", got, want)
			}
			if got.AccessToken.Reveal() != want.AccessToken.Reveal() || got.RefreshToken.Reveal() != want.RefreshToken.Reveal() {
				t.Error("the tokens are not those that were written")
			}
		})
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != len(records) {
		t.Errorf("%d files and %d records: %v", len(files), len(records), err)
	}
}
