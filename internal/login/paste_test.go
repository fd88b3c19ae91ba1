package login

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/secret"
)

// redirectedTo is where the sandbox sends a browser that consents, without
// going there.
func redirectedTo(t *testing.T, address string) secret.Text {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(address)
	if err != nil {
		t.Error(err)
		return secret.Text{}
	}
	_ = resp.Body.Close()
	return secret.New(resp.Header.Get("Location"))
}

// A pasted address logs in; what is wrong is refused and the wait goes on; the
// pasting has ended before anything is kept.
func TestPasteWins(t *testing.T) {
	st := newStage(t, nil)
	asked := make(chan struct{})
	st.flow.Ask = func(i Invitation) { st.event("asked"); st.invited = i; close(asked) }
	var refused []string
	st.flow.Paste = func(ctx context.Context, ready func(), take func(secret.Text) error) error {
		st.event("hushed")
		ready()
		ready() // twice does no harm
		<-asked
		right := redirectedTo(t, st.invited.URL)
		for _, text := range []string{"a-bare-code", strings.Replace(right.Reveal(), "&state=", "&state=x", 1), right.Reveal()} {
			if err := take(secret.New(text)); err != nil {
				refused = append(refused, err.Error())
			}
		}
		<-ctx.Done()
		st.event("pasting ended")
		return nil
	}
	tokens, err := st.flow.Run(t.Context())
	if err != nil || tokens.Set.AccessToken.IsZero() {
		t.Fatal(err)
	}
	st.wantEvents("hushed", "asked", "pasting ended", "waited", "kept, after 0 lists", "settled, after 1 lists, browser answered: false")
	if len(refused) != 2 || !strings.Contains(refused[0], "carries no state") || !strings.Contains(refused[1], "not this login's") {
		t.Errorf("refused: %q", refused)
	}
	if n := st.sandbox.CountGrant("authorization_code"); n != 1 {
		t.Errorf("the code was sent %d times", n)
	}
	st.noSecrets(nil)
}

// The listener wins, and the pasting ends first all the same.
func TestListenerWins(t *testing.T) {
	st := newStage(t, nil)
	st.flow.Paste = func(ctx context.Context, ready func(), _ func(secret.Text) error) error {
		st.event("hushed")
		ready()
		<-ctx.Done()
		st.event("pasting ended")
		return nil
	}
	if _, err := st.flow.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	st.wantEvents("hushed", "asked", "pasting ended", "waited", "kept, after 0 lists", "settled, after 1 lists, browser answered: false")
	st.wantPage("Logged in by the test")
}

// The code goes out while the pasting still ends.
func TestExchangeDoesNotWaitForPaste(t *testing.T) {
	st := newStage(t, nil)
	st.flow.Paste = func(ctx context.Context, ready func(), _ func(secret.Text) error) error {
		ready()
		<-ctx.Done()
		for begin := time.Now(); st.sandbox.CountGrant("authorization_code") == 0; time.Sleep(time.Millisecond) {
			if time.Since(begin) > time.Minute {
				t.Error("no code was sent")
				return nil
			}
		}
		st.event("pasting ended")
		return nil
	}
	if _, err := st.flow.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	st.wantEvents("asked", "pasting ended", "waited", "kept, after 0 lists", "settled, after 1 lists, browser answered: false")
}

// An error of the pasting's, such as Ctrl-C, ends the wait; an end without one
// does not.
func TestPasteEnds(t *testing.T) {
	for _, want := range []error{errTest, ErrNoConsent} {
		st := newStage(t, nil)
		st.flow.Ask = func(Invitation) {}
		st.flow.Timeout = 20 * time.Millisecond
		st.flow.Paste = func(context.Context, func(), func(secret.Text) error) error {
			if errors.Is(want, errTest) {
				return errTest
			}
			return nil
		}
		if errors.Is(want, errTest) {
			st.flow.Timeout = time.Minute
		}
		if _, err := st.flow.Run(t.Context()); !errors.Is(err, want) {
			t.Errorf("%v; want %v", err, want)
		}
	}
}
