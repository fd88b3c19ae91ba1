package loopback

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// TestTenThousandConnections: most of them never say a word, some begin a
// request, all stay open as long as they are let. The right callback comes in
// the middle of them and is answered after the last.
func TestTenThousandConnections(t *testing.T) {
	const many = 10000
	l := listen(t, "/callback")
	var conns []net.Conn
	t.Cleanup(func() {
		for _, c := range conns {
			_ = c.Close()
		}
	})
	storm := func(n int) {
		for i := range n {
			conn, err := net.Dial("tcp", l.Families()[i%len(l.Families())])
			if errors.Is(err, syscall.EMFILE) {
				// This test's own end is what runs out: let the first ones go.
				for _, c := range conns[:len(conns)/2] {
					_ = c.Close()
				}
				conns = conns[len(conns)/2:]
				continue
			}
			if err != nil {
				t.Fatalf("connection %d: %v", i, err)
			}
			conns = append(conns, conn)
			if i%3 == 0 {
				_, _ = conn.Write([]byte("GET /callback?state=" + strings.Repeat("x", i%40)))
			}
		}
	}
	storm(many / 2)
	done := l.callback(l.Families()[0])
	l.mustCatch(t)
	storm(many / 2)
	l.Answer(Page{OK: true})
	r := <-done
	if r.status != http.StatusSeeOther {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if page, err := raw(l.Families()[0], get(r.header.Get("Location"), l.host())); err != nil || page.status != http.StatusOK {
		t.Errorf("the page: %d, %v", page.status, err)
	}
	l.crowd.mu.Lock()
	open := l.crowd.order.Len()
	l.crowd.mu.Unlock()
	if open > maxCrowd {
		t.Errorf("%d connections are open at once", open)
	}
	l.Close(context.Background())
}
