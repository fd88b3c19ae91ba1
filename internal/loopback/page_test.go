package loopback

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// answered brings a listener to the point where the browser holds the address
// of its page.
func answered(t *testing.T, p Page) (l *Listener, location string) {
	t.Helper()
	l = listen(t, "/callback")
	done := l.callback(l.Families()[0])
	l.mustCatch(t)
	l.Answer(p)
	r := <-done
	if r.status != http.StatusSeeOther {
		t.Fatalf("%d %s; want 303", r.status, r.body)
	}
	return l, r.header.Get("Location")
}

// No code stays in the address bar or the history, and nothing of the query is
// repeated anywhere.
func TestAddressOfThePage(t *testing.T) {
	l := listen(t, "/callback")
	done := l.callback(l.Families()[0])
	l.mustCatch(t)
	l.Answer(Page{OK: true})
	r := <-done
	location := r.header.Get("Location")
	if !regexp.MustCompile(`^/done/[A-Z2-7]{26}$`).MatchString(location) {
		t.Errorf("Location is %q; want /done/ and 128 random bits", location)
	}
	for name, values := range r.header {
		for _, secret := range []string{testCode, testState, "session_state"} {
			if strings.Contains(strings.Join(values, " "), secret) {
				t.Errorf("%s repeats %q", name, secret)
			}
		}
	}
	if r.status != http.StatusSeeOther || r.body != "" || r.header.Get("Cache-Control") != "no-store" || r.header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("%d %q with %v", r.status, r.body, r.header)
	}
}

func TestPageIsServedOnce(t *testing.T) {
	l, location := answered(t, Page{OK: true, Heading: "You are logged in"})
	for _, tt := range []struct {
		name, text string
		status     int
	}{
		{"HEAD does not use it up", "HEAD " + location + " HTTP/1.1\r\nHost: " + l.host() + "\r\n\r\n", http.StatusBadRequest},
		{"another Host does not use it up", get(location, "attacker.example"), http.StatusBadRequest},
		{"the browser gets it", get(location, l.host()), http.StatusOK},
		{"nobody gets it again", get(location, l.host()), http.StatusNotFound},
	} {
		r, err := raw(l.Families()[0], tt.text)
		if err != nil || r.status != tt.status {
			t.Errorf("%s: %d, %v; want %d", tt.name, r.status, err, tt.status)
		}
		if got := strings.Contains(r.body, "You are logged in"); got != (tt.status == http.StatusOK) {
			t.Errorf("%s: the page is there: %t", tt.name, got)
		}
	}
}

func TestPageHeaders(t *testing.T) {
	l, location := answered(t, Page{OK: true, Heading: "H"})
	r, err := raw(l.Families()[0], get(location, l.host()))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cross-Origin-Opener-Policy": "same-origin",
	}
	for name, value := range want {
		if got := r.header.Get(name); got != value {
			t.Errorf("%s is %q; want %q", name, got, value)
		}
	}
	styles := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindAllStringSubmatch(r.body, -1)
	if len(styles) != 1 || strings.TrimSpace(styles[0][1]) == "" {
		t.Fatalf("%d style sheets; want one", len(styles))
	}
	sum := sha256.Sum256([]byte(styles[0][1]))
	policy := "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'sha256-" +
		base64.StdEncoding.EncodeToString(sum[:]) + "'"
	if got := r.header.Get("Content-Security-Policy"); got != policy {
		t.Errorf("the policy is %q\nwant, by the hash of the style that is served, %q", got, policy)
	}
	for _, outside := range []string{"http:", "https:", "//", "src=", "href=", "<script", "@import", "url(", "style="} {
		if strings.Contains(r.body, outside) {
			t.Errorf("the page holds %q", outside)
		}
	}
}

// Text from outside comes as text.
func TestPageEscapes(t *testing.T) {
	evil := `<script>alert(1)</script>"'&<img src=x onerror=alert(1)></li>{{.}}`
	tests := []struct {
		name string
		page Page
	}{
		{"heading", Page{Heading: evil}},
		{"text", Page{Text: evil}},
		{"advice", Page{Advice: evil}},
		{"organisation", Page{Organisations: []Organisation{{Name: evil}}}},
		{"command", Page{Command: evil}},
		{"organisation connected before", Page{Organisations: []Organisation{{Name: "n", New: true}, {Name: evil}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := string(tt.page.render())
			for _, bad := range []string{"<script", "<img"} {
				if strings.Contains(got, bad) {
					t.Errorf("the page holds %q", bad)
				}
			}
			if !strings.Contains(got, "&lt;script&gt;alert(1)&lt;/script&gt;") {
				t.Error("the text is not there, escaped")
			}
			if strings.Count(got, "<h1>") != 1 || strings.Count(got, "<main") != 1 || strings.Count(got, "</html>") != 1 {
				t.Error("the page lost its shape")
			}
		})
	}
}

func TestPageSays(t *testing.T) {
	tests := []struct {
		name   string
		page   Page
		has    []string
		hasNot []string
	}{
		{"success with organisations", Page{OK: true, Heading: "In", Text: "Signed in.", Advice: "Close it.",
			Organisations: []Organisation{{Name: "B Ltd", New: true}, {Name: "A Ltd"}}},
			[]string{"In</h1>", "<p>Signed in.</p>", "<h2>Connected just now</h2>\n<ul>\n<li><bdi>B Ltd</bdi></li>", "<h2>Connected before</h2>\n<ul>\n<li><bdi>A Ltd</bdi></li>", "Close it.", `lang="en"`, "<title>In ·"},
			[]string{`class="failed"`, "<code>"}},
		{"an older one stands first in the list and last on the page", Page{OK: true, Organisations: []Organisation{{Name: "A Ltd"}, {Name: "B Ltd", New: true}}}, []string{"B Ltd", "A Ltd"}, nil},
		{"only older ones", Page{OK: true, Organisations: []Organisation{{Name: "B Ltd"}, {Name: "A Ltd"}}}, []string{"Connected before"}, []string{"just now"}},
		{"failure without", Page{Heading: "Not in"}, []string{"Not in</h1>", `class="failed"`}, []string{"<ul", "<h2", "<p>", "<li>"}},
		{"failure with a command", Page{Heading: "Not in", Advice: "Again:", Command: "xeroauth login"}, []string{"Again:", "<pre><code>xeroauth login</code></pre>"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := string(tt.page.render())
			for _, text := range tt.has {
				if !strings.Contains(got, text) {
					t.Errorf("the page lacks %q:\n%s", text, got)
				}
			}
			for _, text := range tt.hasNot {
				if strings.Contains(got, text) {
					t.Errorf("the page holds %q", text)
				}
			}
			if strings.Index(got, "B Ltd") > strings.Index(got, "A Ltd") {
				t.Error("the organisations changed their order")
			}
		})
	}
}

// A reload joins the exchange that runs; each tab gets a page of its own, and
// a tab that comes later too.
func TestReload(t *testing.T) {
	l := listen(t, "/callback")
	first := l.callback(l.Families()[0])
	l.mustCatch(t)
	second := l.callback(l.Families()[len(l.Families())-1])
	l.awaitWaiting(t, 2)
	if len(l.caught) != 0 {
		t.Error("the reload was caught as a callback of its own")
	}
	l.Answer(Page{OK: true, Heading: "In"})
	locations := map[string]bool{}
	for _, done := range []<-chan reply{first, second, l.callback(l.Families()[0])} {
		r := <-done
		if r.status != http.StatusSeeOther {
			t.Fatalf("%d %s", r.status, r.body)
		}
		locations[r.header.Get("Location")] = true
		if page, err := raw(l.Families()[0], get(r.header.Get("Location"), l.host())); err != nil || page.status != 200 || !strings.Contains(page.body, "In</h1>") {
			t.Errorf("the page: %d, %v", page.status, err)
		}
	}
	if len(locations) != 3 {
		t.Errorf("the tabs share pages: %v", locations)
	}
	l.Close(context.Background())
}
