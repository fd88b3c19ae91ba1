package loopback

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
)

// awaitWaiting returns when so many browsers wait for their page.
func (l *Listener) awaitWaiting(t *testing.T, n int) {
	t.Helper()
	for t.Context().Err() == nil {
		l.mu.Lock()
		waiting := l.waiting
		l.mu.Unlock()
		if waiting == n {
			return
		}
		runtime.Gosched()
	}
}

// Two callbacks with the right state at once: one is caught, both get a page.
func TestTwoAtOnce(t *testing.T) {
	l := listen(t, "/callback")
	codes := []string{"first-code", "second-code"}
	done := make(chan reply, len(codes))
	for i, code := range codes {
		go func() {
			r, _ := raw(l.Families()[i%len(l.Families())], get("/callback?state="+testState+"&code="+code, l.host()))
			done <- r
		}()
	}
	l.awaitWaiting(t, 2)
	c, err := l.Wait(t.Context())
	if err != nil || c.Code.Reveal() != codes[0] && c.Code.Reveal() != codes[1] {
		t.Fatalf("caught %q, %v", c.Code.Reveal(), err)
	}
	mustHaveCaughtNothing(t, l) // no more than one
	l.Answer(Page{OK: true})
	for range codes {
		if r := <-done; r.status != http.StatusSeeOther {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
	if got := l.Ignored(); len(got) != 0 {
		t.Errorf("counted as hostile: %v", got)
	}
}

// A browser that goes away while the code is exchanged changes nothing, and
// Close does not wait for it.
func TestBrowserGoesAway(t *testing.T) {
	l := listen(t, "/callback")
	conn, err := net.Dial("tcp", l.Families()[0])
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, get("/callback?"+l.rightQuery(), l.host()))
	l.mustCatch(t)
	l.awaitWaiting(t, 1)
	conn.Close()
	l.awaitWaiting(t, 0)
	l.Answer(Page{OK: true})
	l.Close(context.Background())
}

// Close without an answer does not wait for a page that will never be.
func TestCloseWithoutAnswer(t *testing.T) {
	l := listen(t, "/callback")
	done := l.callback(l.Families()[0])
	l.mustCatch(t)
	l.awaitWaiting(t, 1)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	l.Close(ctx)
	if r := <-done; r.status != 0 {
		t.Errorf("the browser got %d; want a closed connection", r.status)
	}
	if len(l.tickets) != 0 {
		t.Error("a page was promised")
	}
	mustNotListen(t, l)
}

func mustNotListen(t *testing.T, l *Listener) {
	t.Helper()
	for _, address := range l.Families() {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			t.Errorf("%s still answers after Close", address)
		}
	}
}

// Close after Answer waits until the browser has fetched its page whole.
func TestCloseWaitsForTheBrowser(t *testing.T) {
	l := listen(t, "/callback")
	done := l.callback(l.Families()[0])
	l.mustCatch(t)
	l.Answer(Page{OK: true, Heading: "You are logged in"})
	closed := make(chan struct{})
	go func() {
		l.Close(context.Background())
		close(closed)
	}()
	r := <-done
	select {
	case <-closed:
		t.Fatal("Close returned before the browser had its page")
	default:
	}
	page, err := raw(l.Families()[0], get(r.header.Get("Location"), l.host()))
	if err != nil || page.status != http.StatusOK || !strings.HasSuffix(strings.TrimSpace(page.body), "</html>") {
		t.Errorf("the page: %d, %v, %q", page.status, err, page.body)
	}
	<-closed
	mustNotListen(t, l)
}

// The wait for the browser ends with its context.
func TestCloseIsBounded(t *testing.T) {
	l, _ := answered(t, Page{OK: true}) // the page is never fetched
	l.awaitWaiting(t, 1)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	l.Close(ctx)
	mustNotListen(t, l)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting != 1 {
		t.Errorf("%d browsers wait; want the one that never came back", l.waiting)
	}
}

// Answer before anybody asked leaves Close nothing to wait for.
func TestCloseWithNobodyWaiting(t *testing.T) {
	l := listen(t, "/callback")
	l.Answer(Page{})
	l.Close(context.Background())
	l.Close(context.Background()) // twice does no harm
	mustNotListen(t, l)
}

// The held connection is not reused: what a browser sends behind its callback
// is not read as a request.
func TestOneRequestPerConnection(t *testing.T) {
	l := listen(t, "/callback")
	conn, err := net.Dial("tcp", l.Families()[0])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, get("/other", l.host()))
	b := bufio.NewReader(conn)
	resp, err := http.ReadResponse(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if !resp.Close || resp.StatusCode != http.StatusNotFound {
		t.Errorf("%d, closes: %t; want 404 and the end of the connection", resp.StatusCode, resp.Close)
	}
	if _, err := b.ReadByte(); err == nil {
		t.Error("the connection goes on")
	}
}
