package sandbox

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzAuthorizeAndToken holds that nothing a caller sends brings the sandbox down: the error page is the only 5xx.
func FuzzAuthorizeAndToken(f *testing.F) {
	f.Add(authorizeQuery(), "grant_type=authorization_code&client_id="+DefaultPublicClientID+"&code=x", "")
	f.Add(authorizeQuery("client_id", DefaultWebClientID), form("grant_type", "refresh_token", "refresh_token", "x", "client_id", DefaultPublicClientID).Encode(), "Basic eDp5")
	f.Add("scope=%zz&state=\x00", form("grant_type", "client_credentials", "client_id", DefaultCustomClientID, "client_secret", DefaultCustomClientSecret, "scope", "a,b").Encode(), "Bearer x")
	f.Add("", "", "Basic \xff")
	shown, err := New(Config{Key: testKey()})
	if err != nil {
		f.Fatal(err)
	}
	granted, err := New(Config{Key: testKey(), AutoConsent: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, query, body, authorization string) {
		for _, s := range []*Sandbox{shown, granted} {
			r := httptest.NewRequest("GET", "http://localhost/identity/connect/authorize", nil)
			r.URL.RawQuery = query
			got := serve(s, r)
			page := got.Code == http.StatusInternalServerError && strings.Contains(got.Body.String(), "Error code: 500")
			if !page && got.Code != http.StatusOK && got.Code != http.StatusFound {
				t.Errorf("authorize: %d %s", got.Code, got.Body)
			}
			if page && got.Header().Get("Location") != "" {
				t.Error("the error page redirects")
			}
			if location := got.Header().Get("Location"); location != "" && !strings.HasPrefix(location, "http://localhost:8742/callback?") && !strings.HasPrefix(location, "http://localhost:8080/callback?") {
				t.Errorf("sent to %q", location)
			}
		}
		for _, path := range []string{"/connect/token", "/connect/revocation", "/identity/consent"} {
			r := httptest.NewRequest("POST", "http://localhost"+path, strings.NewReader(body))
			r.Header.Set("Content-Type", formType)
			r.Header.Set("Authorization", authorization)
			got := serve(granted, r)
			page := path == "/identity/consent" && strings.Contains(got.Body.String(), "Error code: 500")
			if got.Code >= 500 && !page {
				t.Errorf("%s: %d %s", path, got.Code, got.Body)
			}
		}
	})
}

func serve(s *Sandbox, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}
