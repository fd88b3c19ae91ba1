package loopback

import (
	"context"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/xeroauth/xeroauth/internal/secret"
)

// attack is one request that must change nothing.
type attack struct {
	name, text string
	// status is the answer; 0 means that net/http itself may choose 400, 413,
	// 431 or to hang up, and counts nothing.
	status int
	reason string
}

// attacks are what any process and any web page could send.
func attacks(l *Listener) []attack {
	host, right := l.host(), l.rightQuery()
	bad := func(name, query, reason string) attack {
		return attack{name, get("/callback?"+query, host), http.StatusBadRequest, reason}
	}
	withHost := func(name, h string) attack {
		return attack{"Host is " + name, get("/callback?"+right, h), http.StatusBadRequest, "another host name"}
	}
	method := func(m string) attack {
		return attack{m, m + " /callback?" + right + " HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 0\r\n\r\n", http.StatusBadRequest, "another method"}
	}
	path := func(name, p string) attack {
		return attack{name, get(p+"?"+right, host), http.StatusNotFound, "another path"}
	}
	const state, twice, iss, one = "no state or a wrong one", "a parameter given twice", "another issuer", "neither one code nor one error"
	_, port, _ := strings.Cut(host, ":")
	return []attack{
		bad("wrong state", "state=wrong&code=x", state),
		bad("wrong state with the right code", "state=wrong&code="+testCode, state),
		bad("state missing", "code=x", state),
		bad("state empty", "state=&code=x", state),
		bad("state without a value", "state&code=x", state),
		bad("state with a letter more", "state="+testState+"x&code=x", state),
		bad("state with a letter less", "state="+testState[1:]+"&code=x", state),
		bad("state in capitals", "state="+strings.ToUpper(testState)+"&code=x", state),
		bad("state with NUL", "state="+testState+"%00&code=x", state),
		bad("state under another case", "State="+testState+"&code=x", state),
		bad("state as a list", "state[]="+testState+"&code=x", state),
		bad("forged error", "error=access_denied", state),
		bad("forged error with a wrong state", "state=wrong&error=access_denied&error_description=%3Cscript%3E", state),
		bad("nothing", "", state),
		bad("state twice, wrong first", "state=wrong&"+right, twice),
		bad("state twice, right first", right+"&state=wrong", twice),
		bad("state twice, right both times", right+"&state="+testState, twice),
		bad("code twice", right+"&code=other", twice),
		bad("code twice, the same", right+"&code="+testCode, twice),
		bad("error twice", "state="+testState+"&error=a&error=b", twice),
		bad("iss twice", right+"&iss="+testIssuer+"&iss="+testIssuer, twice),
		bad("description twice", "state="+testState+"&error=a&error_description=x&error_description=y", twice),
		bad("code and error", right+"&error=access_denied", one),
		bad("neither code nor error", "state="+testState, one),
		bad("code empty", "state="+testState+"&code=", one),
		bad("both empty", "state="+testState+"&code=&error=", one),
		bad("another issuer", right+"&iss="+url.QueryEscape("https://evil.example"), iss),
		bad("issuer empty", right+"&iss=", iss),
		bad("issuer with a slash more", right+"&iss="+url.QueryEscape(testIssuer+"/"), iss),
		bad("query that cannot be read", right+"&x=%zz", "a query that cannot be read"),
		bad("semicolons", "state="+testState+";code=x", "a query that cannot be read"),
		withHost("127.0.0.1 and the port", "127.0.0.1:"+port),
		withHost("::1 and the port", "[::1]:"+port),
		withHost("a rebound name", "attacker.example:"+port),
		withHost("a rebound name under localhost", "x.localhost:"+port),
		withHost("localhost as a label", "localhost.attacker.example:"+port),
		withHost("localhost without the port", "localhost"),
		withHost("localhost with another port", "localhost:80"),
		withHost("localhost with a dot", "localhost.:"+port),
		withHost("empty", ""),
		{"Host of the request line wins", "GET http://attacker.example/callback?" + right + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n", http.StatusBadRequest, "another host name"},
		{"HTTP/1.0 without Host", "GET /callback?" + right + " HTTP/1.0\r\n\r\n", http.StatusBadRequest, "another host name"},
		method("HEAD"), method("POST"), method("OPTIONS"), method("PUT"), method("DELETE"), method("PATCH"), method("TRACE"), method("get"), method("PROPFIND"),
		{"POST with the answer in the body", "POST /callback HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: " +
			strconv.Itoa(len(right)) + "\r\n\r\n" + right, http.StatusBadRequest, "another method"},
		path("root", "/"), path("another path", "/other"), path("slash at the end", "/callback/"), path("in capitals", "/Callback"),
		path("two slashes", "//callback"), path("two slashes that look like a host", "//attacker.example/callback"),
		path("encoded letter", "/%63allback"), path("encoded slash", "/%2Fcallback"), path("dots", "/x/../callback"), path("a dot", "/./callback"),
		path("parameter of a path", "/callback;x=1"), path("icon", "/favicon.ico"), path("made-up page", "/done/AAAAAAAAAAAAAAAAAAAAAAAAAA"),
		path("page without a ticket", "/done/"),
		{"query of 200 KB", get("/callback?x="+strings.Repeat("a", 200<<10), host), 0, ""},
		{"header of 200 KB", "GET /callback?" + right + " HTTP/1.1\r\nHost: " + host + "\r\nCookie: " + strings.Repeat("a", 200<<10) + "\r\n\r\n", 0, ""},
		{"10,000 headers", "GET /callback?" + right + " HTTP/1.1\r\nHost: " + host + "\r\n" + strings.Repeat("X: y\r\n", 20000) + "\r\n", 0, ""},
		{"two Hosts", "GET /callback?" + right + " HTTP/1.1\r\nHost: " + host + "\r\nHost: " + host + "\r\n\r\n", 0, ""},
		{"no Host", "GET /callback?" + right + " HTTP/1.1\r\n\r\n", 0, ""},
		{"not HTTP", "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n", 0, ""},
		{"not HTTP, and long", strings.Repeat("A", 100<<10) + "\r\n\r\n", 0, ""},
		{"HTTP/9.9", "GET /callback?" + right + " HTTP/9.9\r\nHost: " + host + "\r\n\r\n", 0, ""},
		{"HTTP/2 at once", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", http.StatusBadRequest, "another host name"},
	}
}

// check sends the attack to one address.
func (a attack) check(t *testing.T, address string) {
	t.Helper()
	r, err := raw(address, a.text)
	if a.status != 0 {
		if err != nil || r.status != a.status {
			t.Errorf("%s: %d, %v; want %d", a.name, r.status, err, a.status)
		}
	} else if err == nil && (r.status < 400 || r.status > 599) {
		t.Errorf("%s: %d; want it refused", a.name, r.status)
	}
	if strings.Contains(r.body, testCode) || strings.Contains(r.body, testState) {
		t.Errorf("%s: the answer repeats what was sent: %s", a.name, r.body)
	}
	if err == nil && a.status != 0 {
		for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"} {
			if got := r.header.Get(name); got != want {
				t.Errorf("%s: %s is %q; want %q", a.name, name, got, want)
			}
		}
		for name := range r.header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s: the answer has %s", a.name, name)
			}
		}
	}
}

// Each attack by itself: its answer, and what it is counted as.
func TestEachAttack(t *testing.T) {
	l := listen(t, "/callback")
	for _, a := range attacks(l) {
		t.Run(a.name, func(t *testing.T) {
			for _, address := range l.Families() {
				before := l.Ignored()
				a.check(t, address)
				after := l.Ignored()
				if a.reason == "" {
					if !maps.Equal(before, after) {
						t.Errorf("counted: %v, before %v", after, before)
					}
					continue
				}
				before[a.reason]++
				if !maps.Equal(before, after) {
					t.Errorf("counted: %v; want %v", after, before)
				}
			}
		})
	}
	mustHaveCaughtNothing(t, l)
}

func mustHaveCaughtNothing(t *testing.T, l *Listener) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if len(l.caught) != 0 {
		t.Fatal("an attack ended the wait")
	}
	if _, err := l.Wait(ctx); err == nil {
		t.Fatal("an attack ended the wait")
	}
}

// 1,000 hostile requests over both families, eight at a time; then the right
// one succeeds.
func TestThousandAttacks(t *testing.T) {
	l := listen(t, "/callback")
	list := attacks(l)
	addresses := l.Families()
	want := map[string]int{}
	type shot struct {
		attack  attack
		address string
	}
	shots := make(chan shot)
	var gunners sync.WaitGroup
	for range 8 {
		gunners.Go(func() {
			for s := range shots {
				s.attack.check(t, s.address)
			}
		})
	}
	for i := range 1000 {
		a := list[i%len(list)]
		if a.reason != "" {
			want[a.reason]++
		}
		shots <- shot{a, addresses[(i/len(list))%len(addresses)]}
	}
	close(shots)
	gunners.Wait()
	mustHaveCaughtNothing(t, l)
	if got := l.Ignored(); !maps.Equal(got, want) {
		t.Errorf("counted %v\nwant %v", got, want)
	}
	done := l.callback(addresses[len(addresses)-1])
	l.mustCatch(t)
	l.Answer(Page{OK: true, Heading: "in"})
	if r := <-done; r.status != http.StatusSeeOther {
		t.Errorf("the right one got %d %s", r.status, r.body)
	}
}

// A right state makes an error count, in the provider's words.
func TestErrorCallback(t *testing.T) {
	l := listen(t, "/callback")
	go func() {
		_, _ = raw(l.Families()[0], get("/callback?state="+testState+"&error=access_denied&error_description=a%0Ab&iss="+url.QueryEscape(testIssuer), l.host()))
	}()
	c, err := l.Wait(t.Context())
	if err != nil || c.Error != "access_denied" || c.ErrorDescription != "a\nb" || !c.Code.IsZero() {
		t.Errorf("caught %q, %q, %q, %v", c.Error, c.ErrorDescription, c.Code.Reveal(), err)
	}
}

// Every redirect URI that people have registered gets its callback.
func TestPaths(t *testing.T) {
	for _, path := range []string{"", "/", "/callback", "/callback/", "/a/b", "//x", "/call%2Fback", "/caf%C3%A9", "/done", "/xero/done/x"} {
		t.Run("path "+path, func(t *testing.T) {
			l := listen(t, path)
			done := l.callback(l.Families()[0])
			l.mustCatch(t)
			l.Answer(Page{})
			if r := <-done; r.status != http.StatusSeeOther {
				t.Errorf("%d %s", r.status, r.body)
			}
		})
	}
}

// Connections that never finish their request do not stop the right one.
func TestSlowLoris(t *testing.T) {
	l := listen(t, "/callback")
	for i := range 200 {
		conn, err := net.Dial("tcp", l.Families()[i%len(l.Families())])
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Write([]byte("GET /callback?" + l.rightQuery()[:i%40] + strings.Repeat("X", i%3))); err != nil {
			t.Fatal(err)
		}
	}
	done := l.callback(l.Families()[0])
	l.mustCatch(t)
	l.Answer(Page{OK: true})
	r := <-done
	if r.status != http.StatusSeeOther {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if page, err := raw(l.Families()[0], get(r.header.Get("Location"), l.host())); err != nil || page.status != http.StatusOK {
		t.Errorf("the page: %d, %v", page.status, err)
	}
	l.Close(context.Background())
	if _, err := net.Dial("tcp", l.Families()[0]); err == nil {
		t.Error("something listens after Close")
	}
}

// A second request on a connection is not served: what stands behind a hostile
// request changes nothing, and neither does what stands behind the right one.
func TestPipelining(t *testing.T) {
	l := listen(t, "/callback")
	right := get("/callback?"+l.rightQuery(), l.host())
	wrong := get("/callback?state=wrong&code=x", l.host())
	if r, err := raw(l.Families()[0], strings.Repeat(wrong, 50)+right); err != nil || r.status != http.StatusBadRequest {
		t.Fatalf("%d, %v; want 400", r.status, err)
	}
	mustHaveCaughtNothing(t, l)
	if n := l.Ignored()["no state or a wrong one"]; n != 1 {
		t.Errorf("%d requests of one connection were served; want 1", n)
	}
	done := make(chan reply, 1)
	go func() {
		r, _ := raw(l.Families()[0], right+wrong+right)
		done <- r
	}()
	l.mustCatch(t)
	l.Answer(Page{OK: true})
	if r := <-done; r.status != http.StatusSeeOther {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func FuzzCallback(f *testing.F) {
	for _, seed := range []string{
		"state=" + testState + "&code=x", "state=" + testState + "&error=access_denied&error_description=%3Cb%3E",
		"state=" + testState + "&code=x&iss=" + url.QueryEscape(testIssuer), "state=" + testState + "&code=x&state=" + testState,
		"state=&code=x", "code=x", "", "&&&", "%zz", "state=a;code=b", "state=" + testState + "&code=a&error=b", "state=%74he-right-state&code=%00",
	} {
		f.Add(seed)
	}
	l := &Listener{issuer: testIssuer, state: secret.New(testState)}
	f.Fuzz(func(t *testing.T, query string) {
		c, reason := l.parse(query)
		if reason != "" {
			if !c.Code.IsZero() || c.Error != "" || c.ErrorDescription != "" {
				t.Fatalf("%q beside %q", c.Error, reason)
			}
			if strings.Contains(reason, "&") || len(reason) > 40 {
				t.Fatalf("the reason repeats the query: %q", reason)
			}
			return
		}
		q, err := url.ParseQuery(query)
		if err != nil || len(q["state"]) != 1 || q.Get("state") != testState {
			t.Fatalf("believed without the state: %q", query)
		}
		if len(q["code"])+len(q["error"]) > 2 || (q.Get("code") == "") == (q.Get("error") == "") {
			t.Fatalf("believed with code and error, or neither: %q", query)
		}
		if q.Has("iss") && q.Get("iss") != testIssuer {
			t.Fatalf("believed of another issuer: %q", query)
		}
		if c.Code.Reveal() != q.Get("code") || c.Error != q.Get("error") || c.ErrorDescription != q.Get("error_description") || c.At.IsZero() {
			t.Fatalf("read otherwise: %q", query)
		}
	})
}
