package loopback

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/secret"
)

// listening reads /proc for the addresses on which something listens on port.
func listening(t *testing.T, port int) []string {
	t.Helper()
	var out []string
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		b, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(b)) {
			f := strings.Fields(line)
			if len(f) > 3 && f[3] == "0A" && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", port)) {
				address, _, _ := strings.Cut(f[1], ":")
				out = append(out, address)
			}
		}
	}
	slices.Sort(out)
	return out
}

const (
	procFour = "0100007F"
	procSix  = "00000000000000000000000001000000"
)

func TestBindsLoopbackAlone(t *testing.T) {
	l := listen(t, "/callback")
	port := strconv.Itoa(l.redirect.port)
	want := []string{"127.0.0.1:" + port}
	wantProc := []string{procFour}
	if hasSix() {
		want, wantProc = append(want, "[::1]:"+port), []string{procSix, procFour}
	}
	slices.Sort(wantProc)
	if got := l.Families(); !slices.Equal(got, want) {
		t.Errorf("Families() = %q; want %q", got, want)
	}
	if l.URI() != uriOf(l.redirect.port, "/callback") {
		t.Errorf("URI() = %q", l.URI())
	}
	if runtime.GOOS != "linux" {
		return
	}
	if got := listening(t, l.redirect.port); !slices.Equal(got, wantProc) {
		t.Errorf("the kernel says that %q listen on the port; want %q", got, wantProc)
	}
	l.Close(context.Background())
	if got := listening(t, l.redirect.port); len(got) != 0 {
		t.Errorf("after Close %q still listen", got)
	}
}

func hasSix() bool {
	s, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return false
	}
	s.Close()
	return true
}

// Up means up: the listener takes connections before Start, so that a browser
// that is faster than this program is not refused.
func TestListensBeforeStart(t *testing.T) {
	l, _, err := Listen([]string{uriOf(freePort(t), "/callback")}, testIssuer)
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range l.Families() {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		conn.Close()
	}
	l.Close(context.Background()) // Start was never called
	for _, address := range l.Families() {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			t.Errorf("%s still answers after Close", address)
		}
	}
}

// The browser may try either family first, so a port that is taken on one is
// no port to use.
func TestBusy(t *testing.T) {
	tests := []struct{ name, network, host string }{
		{"on IPv4 only", "tcp4", "127.0.0.1"},
		{"on IPv6 only", "tcp6", "::1"},
		{"on every IPv4 address", "tcp4", "0.0.0.0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.network == "tcp6" && !hasSix() {
				t.Skip("this machine has no ::1")
			}
			taken := freePort(t)
			s, err := net.Listen(tt.network, net.JoinHostPort(tt.host, strconv.Itoa(taken)))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			busy := uriOf(taken, "/callback")

			l, skipped, err := Listen([]string{busy}, testIssuer)
			var b *BusyError
			if l != nil || !errors.As(err, &b) || b.URI != busy || skipped != nil {
				t.Fatalf("Listen = %v, %v, %v; want *BusyError for %s", l, skipped, err, busy)
			}
			wantText := "the port of " + busy + " is in use"
			if runtime.GOOS == "linux" {
				wantText += fmt.Sprintf(" by loopback.test (process %d)", os.Getpid())
				if want := fmt.Sprintf("loopback.test (process %d)", os.Getpid()); b.Holder != want {
					t.Errorf("Holder = %q; want %q", b.Holder, want)
				}
			}
			if b.Error() != wantText {
				t.Errorf("the text is %q; want %q", b.Error(), wantText)
			}
			if runtime.GOOS == "linux" && len(listening(t, taken)) != 1 {
				t.Errorf("the other family of the busy port is still bound: %q", listening(t, taken))
			}

			free := uriOf(freePort(t), "/callback")
			l, skipped, err = Listen([]string{busy, free}, testIssuer)
			if err != nil || l.URI() != free || len(skipped) != 1 || !errors.As(skipped[0], &b) || b.URI != busy {
				t.Fatalf("Listen = %v, %v, %v; want %s, and the busy one skipped", l, skipped, err, free)
			}
			l.Close(context.Background())
		})
	}
}

func TestBusyTexts(t *testing.T) {
	if got := (&BusyError{URI: "U"}).Error(); got != "the port of U is in use" {
		t.Errorf("%q", got)
	}
	if got := (&DeniedError{URI: "U"}).Error(); got != "this user may not listen on the port of U" {
		t.Errorf("%q", got)
	}
}

// A second login on the same port, at the same time, is busy and does not
// disturb the first.
func TestSecondLogin(t *testing.T) {
	l := listen(t, "/callback")
	second, _, err := Listen([]string{l.URI()}, testIssuer)
	var b *BusyError
	if second != nil || !errors.As(err, &b) {
		t.Fatalf("Listen = %v, %v; want *BusyError", second, err)
	}
	done := l.callback(l.Families()[0])
	l.mustCatch(t)
	l.Answer(Page{OK: true})
	if r := <-done; r.status != http.StatusSeeOther {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// A limit on reading or writing would drop a callback that is held while the
// code is exchanged, which may take a minute.
func TestHeldCallbackHasNoLimit(t *testing.T) {
	l := listen(t, "/callback")
	if l.server.ReadTimeout != 0 || l.server.WriteTimeout != 0 {
		t.Errorf("ReadTimeout %s, WriteTimeout %s; want none", l.server.ReadTimeout, l.server.WriteTimeout)
	}
	if l.server.ReadHeaderTimeout <= 0 || l.server.ReadHeaderTimeout > 30*time.Second {
		t.Errorf("ReadHeaderTimeout %s; want one", l.server.ReadHeaderTimeout)
	}
	if l.server.MaxHeaderBytes <= 0 || l.server.MaxHeaderBytes > 1<<20 {
		t.Errorf("MaxHeaderBytes %d; want a limit", l.server.MaxHeaderBytes)
	}
	if l.server.ErrorLog == nil {
		t.Error("hostile requests would be logged on stderr")
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	l := listen(t, "/callback")
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(cause)
	if c, err := l.Wait(ctx); !errors.Is(err, cause) || !c.Code.IsZero() {
		t.Errorf("Wait = %q, %v; want the cause", c.Code.Reveal(), err)
	}
}

// The state cannot be guessed from an empty one.
func TestEmptyStateMatchesNothing(t *testing.T) {
	l, _, err := Listen([]string{uriOf(freePort(t), "/callback")}, testIssuer)
	if err != nil {
		t.Fatal(err)
	}
	l.Start(secret.Text{})
	defer l.Close(context.Background())
	for _, query := range []string{"code=x", "code=x&state=", "code=x&state"} {
		if r, err := raw(l.Families()[0], get("/callback?"+query, l.host())); err != nil || r.status != http.StatusBadRequest {
			t.Errorf("%s: %d, %v; want 400", query, r.status, err)
		}
	}
}
