package loopback

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/xeroauth/xeroauth/internal/secret"
)

const donePrefix = "/done/"

// noState is why a request that any program may send is ignored.
const noState = "no state or a wrong one"

// ServeHTTP sorts requests: the callback, the page that follows it, and
// everything else, which is counted and changes nothing.
func (l *Listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	switch {
	case !l.redirect.isHost(r.Host):
		l.refuse(w, http.StatusBadRequest, "another host name")
	case r.Method != http.MethodGet:
		l.refuse(w, http.StatusBadRequest, "another method")
	case r.URL.EscapedPath() == l.redirect.path:
		l.serveCallback(w, r)
	case strings.HasPrefix(r.URL.EscapedPath(), donePrefix):
		l.serveDone(w, r)
	default:
		l.refuse(w, http.StatusNotFound, "another path")
	}
}

func (l *Listener) refuse(w http.ResponseWriter, status int, reason string) {
	l.mu.Lock()
	l.ignored[reason]++
	l.mu.Unlock()
	http.Error(w, http.StatusText(status), status)
}

func (l *Listener) serveCallback(w http.ResponseWriter, r *http.Request) {
	c, reason := l.parse(r.URL.RawQuery)
	if reason != "" {
		l.refuse(w, http.StatusBadRequest, reason)
		return
	}
	l.crowd.keep(r)
	l.addWaiting(1)
	// The first one counts; a reload joins the exchange that runs.
	l.once.Do(func() { l.caught <- c })
	select {
	case <-l.answered:
	case <-r.Context().Done():
		l.addWaiting(-1)
		return
	}
	ticket := rand.Text()
	l.mu.Lock()
	l.tickets[ticket] = true
	l.mu.Unlock()
	// Away from the address that holds the code, so that neither the address
	// bar nor the history keeps it.
	w.Header().Set("Location", donePrefix+ticket)
	w.WriteHeader(http.StatusSeeOther)
}

// parse reads a callback's query: RFC 6749 section 4.1.2 and RFC 9207. A
// reason is given for one that must be ignored.
func (l *Listener) parse(rawQuery string) (c Callback, reason string) {
	q, err := url.ParseQuery(rawQuery)
	if err != nil {
		return c, "a query that cannot be read"
	}
	for _, name := range []string{"state", "code", "error", "error_description", "iss"} {
		if len(q[name]) > 1 {
			return c, "a parameter given twice"
		}
	}
	// Secret texts compare in constant time.
	if q.Get("state") == "" || !secret.New(q.Get("state")).Equal(l.state) {
		return c, noState
	}
	if q.Has("iss") && q.Get("iss") != l.issuer {
		return c, "another issuer"
	}
	if (q.Get("code") == "") == (q.Get("error") == "") {
		return c, "neither one code nor one error"
	}
	return Callback{
		Code: secret.New(q.Get("code")), Error: q.Get("error"), ErrorDescription: q.Get("error_description"), At: time.Now(),
	}, ""
}

// serveDone gives out the page, once per ticket.
func (l *Listener) serveDone(w http.ResponseWriter, r *http.Request) {
	ticket := strings.TrimPrefix(r.URL.EscapedPath(), donePrefix)
	l.mu.Lock()
	known := l.tickets[ticket]
	delete(l.tickets, ticket)
	l.mu.Unlock()
	if !known {
		l.refuse(w, http.StatusNotFound, "another path")
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy())
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("X-Frame-Options", "DENY")
	_, _ = w.Write(l.page)
	l.addWaiting(-1)
}

func (l *Listener) addWaiting(n int) {
	l.mu.Lock()
	l.waiting += n
	idle := l.waiting == 0
	l.mu.Unlock()
	if idle {
		select {
		case l.idle <- struct{}{}:
		default:
		}
	}
}
