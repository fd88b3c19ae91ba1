package sandbox

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestStartListensOnBothFamilies(t *testing.T) {
	w := newWorld(t, nil)
	u, err := url.Parse(w.base)
	if err != nil || u.Hostname() != "localhost" || u.Port() == "" || u.Path != "" || w.s.Authority() != w.base {
		t.Fatalf("authority %q, %v", w.base, err)
	}
	hosts := []string{"127.0.0.1"}
	if probe, err := net.Listen("tcp6", "[::1]:0"); err == nil {
		probe.Close()
		hosts = append(hosts, "::1")
	}
	for _, host := range hosts {
		resp, err := http.Get("http://" + net.JoinHostPort(host, u.Port()) + "/")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", host, resp.StatusCode)
		}
	}
	if _, err := w.s.Start("localhost:0"); err == nil {
		t.Error("started twice")
	}
}

func TestStartOnOneAddress(t *testing.T) {
	s, err := New(Config{Key: testKey()})
	if err != nil {
		t.Fatal(err)
	}
	authority, err := s.Start("127.0.0.1:0")
	if err != nil || !strings.HasPrefix(authority, "http://127.0.0.1:") {
		t.Errorf("got %q, %v", authority, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
	if _, err := http.Get(authority); err == nil {
		t.Error("it still answers")
	}
}

func TestStartRefusesTheOutside(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.com:0", "localhost", "localhost:" + port, "127.0.0.1:" + port} {
		s, err := New(Config{Key: testKey()})
		if err != nil {
			t.Fatal(err)
		}
		if authority, err := s.Start(addr); err == nil {
			t.Errorf("%s: started as %s", addr, authority)
		}
		s.Close()
	}
}

func TestHostMustBeLoopback(t *testing.T) {
	w := newWorld(t, nil)
	for host, want := range map[string]int{
		"localhost": 200, "LOCALHOST:1": 200, "127.0.0.1": 200, "127.9.9.9:80": 200, "[::1]": 200, "[::1]:9750": 200,
		"example.com": 421, "localhost.example.com": 421, "192.0.2.1": 421, "127.0.0.1.example.com:80": 421, "[::2]:80": 421,
	} {
		for _, path := range []string{"/", "/sandbox/requests"} {
			r := w.request("GET", path, "")
			r.Host = host
			a, err := w.try(r)
			if err != nil || a.status != want {
				t.Errorf("%s%s: %d, %v; want %d", host, path, a.status, err, want)
			}
		}
	}
}

func TestHomePage(t *testing.T) {
	w := newWorld(t, func(cfg *Config) {
		cfg.Organisations = []Organisation{{TenantID: "t", Name: "<b>"}}
	})
	a := w.do("GET", "/", "")
	for _, want := range []string{"not Xero", w.base, "POST /connect/token", "DELETE /connections/{id}", DefaultWebClientID, testRedirect, "&lt;b&gt;"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, secret := range []string{DefaultWebClientSecret, DefaultCustomClientSecret} {
		if strings.Contains(a.body, secret) {
			t.Error("the page shows a secret")
		}
	}
}
