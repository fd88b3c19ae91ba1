package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/xero"
)

func TestLooksLikeClientID(t *testing.T) {
	id := "0123456789ABCDEFabcdef0123456789"
	for text, want := range map[string]bool{
		id: true, id[1:]: false, id + "0": false, "G" + id[1:]: false, "": false, " " + id: false, strings.Repeat("é", 16): false,
	} {
		if looksLikeClientID(text) != want {
			t.Errorf("%q: %t", text, !want)
		}
	}
}

// The command that a set-up ends with says everything that was chosen, and
// nothing that would be so anyway.
func TestTellCommand(t *testing.T) {
	accounting, _ := xero.Scopes().Preset("@accounting")
	read, _ := xero.Scopes().Preset("@read")
	usual := []string{defaultRedirectURI}
	tests := []struct {
		name string
		p    profile.Profile
		want string
	}{
		{"nothing chosen", profile.Profile{ClientID: "A1", App: profile.Public, Scopes: accounting.Scopes, RedirectURIs: usual, Store: "keychain"},
			"xeroauth login --client-id A1 -p acme"},
		{"everything", profile.Profile{
			ClientID: "A1", App: profile.Web, Scopes: read.Scopes, RedirectURIs: []string{"http://localhost:1/it's", defaultRedirectURI},
			Store: "file", Tenant: "T", Authority: "http://localhost:9750",
		}, `xeroauth login --client-id A1 --app web --client-secret-stdin --scopes @read --redirect-uri 'http://localhost:1/it'\''s' --redirect-uri ` +
			defaultRedirectURI + " --tenant T --authority http://localhost:9750 --store file -p acme"},
		{"names of scopes", profile.Profile{ClientID: "A1", App: profile.Public, Scopes: []string{"openid", "files"}, RedirectURIs: usual, Store: "keychain"},
			"xeroauth login --client-id A1 --scopes openid,files -p acme"},
		{"custom connection", profile.Profile{ClientID: "A1", App: profile.Custom, Store: "keychain", Tenant: "T"},
			"xeroauth login --client-id A1 --custom-connection --client-secret-stdin -p acme"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, stderr := desk()
			a.flags.profile = "acme"
			a.tellCommand(&loginPlan{target: target{profile: tt.p}})
			if lines := strings.Split(stderr.String(), "\n"); len(lines) < 3 || lines[2] != "  "+tt.want {
				t.Errorf("%s\nwant   %s", stderr, tt.want)
			}
		})
	}
}

// What is said while a login waits goes above the line that tells the time;
// before its start there is no such line, and after its end nothing brings it
// back.
func TestCountdown(t *testing.T) {
	var out bytes.Buffer
	now := testNow
	c := &countdown{out: &out, now: func() time.Time { return now }, end: make(chan struct{})}
	c.say("before\n")
	c.until, c.shown = testNow.Add(61*time.Second), true
	c.say("")
	now = now.Add(2 * time.Second)
	c.say("a line\n")
	now = now.Add(time.Hour)
	c.say("")
	c.stop()
	c.stop()
	c.say("after\n")
	want := "before\n" + wipe + "xeroauth: waiting for consent, 1:01 left " + wipe + "a line\nxeroauth: waiting for consent, 0:59 left " +
		wipe + "xeroauth: waiting for consent, 0:00 left " + wipe + "after\n"
	if out.String() != want {
		t.Errorf("%q\nwant %q", out.String(), want)
	}
	var none *countdown
	none.start(testNow)
	none.stop()
	if a, stderr := desk(); a.newCountdown() != nil || stderr.Len() != 0 {
		t.Error("a countdown where there is no terminal")
	}
}

// Texts of several lines stay within 80 columns.
func TestIndented(t *testing.T) {
	text := strings.Repeat("accounting.invoices ", 20)
	got := indented(text, 6)
	if strings.Join(strings.Fields(got), " ") != strings.TrimSpace(text) {
		t.Errorf("words are lost: %q", got)
	}
	for line := range strings.Lines(got) {
		if len(strings.TrimRight(line, "\n")) > 80 || !strings.HasPrefix(line, "      a") {
			t.Errorf("%q", line)
		}
	}
	if indented("", 4) != "" {
		t.Error("nothing becomes something")
	}
}
