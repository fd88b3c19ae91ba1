package loopback

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/xeroauth/xeroauth/internal/secret"
)

const (
	testState  = "the-right-state"
	testCode   = "the-one-use-code-canary"
	testIssuer = "https://identity.example"
)

// freePort finds a port that is free on both families just now.
func freePort(t *testing.T) int {
	t.Helper()
	for range 50 {
		four, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := four.Addr().(*net.TCPAddr).Port
		six, err := net.Listen("tcp6", "[::1]:"+strconv.Itoa(port))
		if err == nil {
			six.Close()
		}
		four.Close()
		if err == nil || isAbsent(err) {
			return port
		}
	}
	t.Fatal("no port is free on both families")
	return 0
}

func uriOf(port int, path string) string { return fmt.Sprintf("http://localhost:%d%s", port, path) }

// listen starts a listener on a free port; it is closed at the end of the test.
func listen(t *testing.T, path string) *Listener {
	t.Helper()
	for range 20 {
		l, _, err := Listen([]string{uriOf(freePort(t), path)}, testIssuer)
		if err != nil {
			continue // somebody took the port in between
		}
		l.Start(secret.New(testState))
		t.Cleanup(func() {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			l.Close(ctx)
		})
		return l
	}
	t.Fatal("no port could be had")
	return nil
}

func (l *Listener) host() string { return "localhost:" + strconv.Itoa(l.redirect.port) }

func (l *Listener) rightQuery() string {
	return url.Values{"state": {testState}, "code": {testCode}, "scope": {"openid files"}, "session_state": {"x.y"}}.Encode()
}

// reply is a raw answer.
type reply struct {
	status int
	header http.Header
	body   string
}

// raw sends text to one address and reads one answer; an error stands for a
// connection that was closed without one.
func raw(address, text string) (reply, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return reply{}, err
	}
	defer conn.Close()
	// A server that answers before all was read may reset the connection.
	_, _ = io.WriteString(conn, text)
	method, _, _ := strings.Cut(text, " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(body)}, err
}

// get is a well-formed GET with that Host.
func get(target, host string) string {
	return "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n"
}

// callback sends the right callback in the background.
func (l *Listener) callback(address string) <-chan reply {
	done := make(chan reply, 1)
	go func() {
		r, err := raw(address, get(l.redirect.path+"?"+l.rightQuery(), l.host()))
		if err != nil {
			r.body = err.Error()
		}
		done <- r
	}()
	return done
}

// caughtCode fails the test unless the next callback is the right one.
func (l *Listener) mustCatch(t *testing.T) {
	t.Helper()
	c, err := l.Wait(t.Context())
	if err != nil || c.Code.Reveal() != testCode || c.Error != "" || c.ErrorDescription != "" || c.At.IsZero() {
		t.Fatalf("caught %q, %q, %q at %v, %v; want the right code", c.Code.Reveal(), c.Error, c.ErrorDescription, c.At, err)
	}
}
