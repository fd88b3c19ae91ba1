package loopback

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/xeroauth/xeroauth/internal/secret"
)

// SelfTest listens on a redirect URI's port as a login does, and calls itself
// on each family that this machine has and by the name localhost, as a browser
// does. It returns what answered. Errors are those of Listen, and one that
// says what did not answer.
func SelfTest(ctx context.Context, uri string) (answered []string, err error) {
	l, _, err := Listen([]string{uri}, "")
	if err != nil {
		return nil, err
	}
	defer l.Close(ctx)
	l.Start(secret.New(rand.Text()))
	port := strconv.Itoa(l.redirect.port)
	hosts := append(l.Families(), net.JoinHostPort("localhost", port))
	for n, address := range hosts {
		if err := l.call(ctx, address); err != nil {
			return answered, fmt.Errorf("listening at %s, and calling %s: %w", uri, address, err)
		}
		if l.Ignored()[noState] != n+1 {
			return answered, fmt.Errorf("listening at %s, and calling %s: somebody else answered", uri, address)
		}
		answered = append(answered, strings.TrimSuffix(address, ":"+port))
	}
	return answered, nil
}

// call asks for the callback without the state that would end a wait.
func (l *Listener) call(ctx context.Context, address string) error {
	client := &http.Client{
		// No proxy: a browser uses none for localhost either.
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+l.redirect.path, nil)
	if err != nil {
		return err
	}
	req.Host = net.JoinHostPort("localhost", strconv.Itoa(l.redirect.port))
	resp, err := client.Do(req)
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, maxHeader))
	return errors.Join(err, resp.Body.Close())
}
