package xero

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/secret"
)

// fakeTime is a clock that only Pause moves.
type fakeTime struct {
	now    time.Time
	pauses []time.Duration
}

func (f *fakeTime) retry(tries int, bound time.Duration) Retry {
	return Retry{
		Tries: tries, Bound: bound,
		Now: func() time.Time { return f.now },
		Pause: func(_ context.Context, d time.Duration) {
			f.pauses = append(f.pauses, d)
			f.now = f.now.Add(d)
		},
	}
}

func TestRetry(t *testing.T) {
	temporary := func() error { return &Error{Kind: Temporary} }
	lost := func() error { return &Error{Kind: Temporary, Lost: true} }
	after := func(d time.Duration) func() error {
		return func() error { return &Error{Kind: Temporary, RetryAfter: d} }
	}
	kind := func(k Kind) func() error { return func() error { return &Error{Kind: k} } }
	foreign := errors.New("not of this package")
	good := func() error { return nil }
	s := time.Second
	tests := []struct {
		name    string
		answers []func() error // the last one repeats
		tries   int
		bound   time.Duration
		sent    int
		pauses  []time.Duration
		ok      bool
		kind    Kind
		lost    bool
	}{
		{"good at once", []func() error{good}, 4, 75 * s, 1, nil, true, 0, false},
		{"good after two failures", []func() error{temporary, lost, good}, 4, 75 * s, 3, []time.Duration{s / 2, s}, true, 0, false},
		{"tries used up", []func() error{temporary}, 4, 75 * s, 4, []time.Duration{s / 2, s, 2 * s}, false, Temporary, false},
		{"one try only", []func() error{lost}, 1, 75 * s, 1, nil, false, Temporary, true},
		{"a loss stays in memory", []func() error{lost, temporary}, 3, 75 * s, 3, []time.Duration{s / 2, s}, false, Temporary, true},
		{"invalid_grant is for good", []func() error{kind(InvalidGrant)}, 4, 75 * s, 1, nil, false, InvalidGrant, false},
		{"refused is for good", []func() error{temporary, kind(Refused)}, 4, 75 * s, 2, []time.Duration{s / 2}, false, Refused, false},
		{"refused after a loss", []func() error{lost, kind(Refused)}, 4, 75 * s, 2, []time.Duration{s / 2}, false, Refused, true},
		{"Retry-After within the bound", []func() error{after(9 * s), good}, 4, 75 * s, 2, []time.Duration{9 * s}, true, 0, false},
		{"Retry-After shorter than the backoff", []func() error{after(1), good}, 4, 75 * s, 2, []time.Duration{s / 2}, true, 0, false},
		{"Retry-After just within the bound", []func() error{after(75 * s), good}, 4, 75 * s, 2, []time.Duration{75 * s}, true, 0, false},
		{"Retry-After beyond the bound ends it at once", []func() error{after(76 * s)}, 4, 75 * s, 1, nil, false, Temporary, false},
		{"Retry-After of a day ends it at once", []func() error{after(24 * time.Hour)}, 4, 75 * s, 1, nil, false, Temporary, false},
		{"two waits together beyond the bound", []func() error{after(40 * s)}, 4, 75 * s, 2, []time.Duration{40 * s}, false, Temporary, false},
		{"the backoff ends at the bound", []func() error{temporary}, 100, 5 * s, 4, []time.Duration{s / 2, s, 2 * s}, false, Temporary, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := &fakeTime{now: testNow}
			sent := 0
			set, err := f.retry(tt.tries, tt.bound).Do(context.Background(), func(context.Context) (TokenSet, error) {
				err := tt.answers[min(sent, len(tt.answers)-1)]()
				sent++
				return TokenSet{AccessToken: secret.New(fmt.Sprint(sent))}, err
			})
			if sent != tt.sent || !reflect.DeepEqual(f.pauses, tt.pauses) {
				t.Errorf("%d requests, pauses %v; want %d, %v", sent, f.pauses, tt.sent, tt.pauses)
			}
			if tt.ok {
				if err != nil || set.AccessToken.Reveal() != fmt.Sprint(tt.sent) {
					t.Errorf("answer %q, %v; want that of request %d", set.AccessToken.Reveal(), err, tt.sent)
				}
				return
			}
			if e := asError(t, err); e.Kind != tt.kind || e.Lost != tt.lost {
				t.Errorf("Kind %d, Lost %t; want %d, %t", e.Kind, e.Lost, tt.kind, tt.lost)
			}
		})
	}
	t.Run("the caller may say that a failure is final", func(t *testing.T) {
		f := &fakeTime{now: testNow}
		r := f.retry(4, time.Minute)
		r.Final = func(e *Error) bool { return e.Status == 200 }
		answers := []*Error{{Status: 503, Lost: true}, {Status: 200}}
		sent := 0
		_, err := r.Do(context.Background(), func(context.Context) (TokenSet, error) {
			sent++
			return TokenSet{}, answers[sent-1]
		})
		if e := asError(t, err); sent != 2 || e.Status != 200 || !e.Lost {
			t.Errorf("%d requests, status %d, lost %t; want it ended by the second, and the loss remembered", sent, e.Status, e.Lost)
		}
	})
	t.Run("a server that cannot prove who it is", func(t *testing.T) {
		f := &fakeTime{now: testNow}
		sent := 0
		_, err := f.retry(4, time.Minute).Do(context.Background(), func(context.Context) (TokenSet, error) {
			sent++
			return TokenSet{}, &Error{Err: &tls.CertificateVerificationError{Err: foreign}}
		})
		if e := asError(t, err); sent != 1 || e.Lost {
			t.Errorf("%d requests, lost %t; want one that lost nothing", sent, e.Lost)
		}
	})
	t.Run("an error of somebody else's is for good", func(t *testing.T) {
		f := &fakeTime{now: testNow}
		sent := 0
		_, err := f.retry(4, time.Minute).Do(context.Background(), func(context.Context) (TokenSet, error) {
			sent++
			return TokenSet{}, foreign
		})
		if sent != 1 || !errors.Is(err, foreign) {
			t.Errorf("%d requests, %v; want 1 and the error itself", sent, err)
		}
	})
}

// A signal stops further tries, and never the one under way: its answer may be
// the only copy of the next refresh token.
func TestRetryCancelled(t *testing.T) {
	cause := errors.New("stopped by a signal")
	t.Run("during a request that succeeds", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(context.Background())
		f := &fakeTime{now: testNow}
		set, err := f.retry(4, time.Minute).Do(ctx, func(one context.Context) (TokenSet, error) {
			cancel(cause)
			if one.Err() != nil {
				t.Error("the signal reached the request under way")
			}
			return TokenSet{AccessToken: secret.New("kept")}, nil
		})
		if err != nil || set.AccessToken.Reveal() != "kept" {
			t.Errorf("%q, %v; want the answer", set.AccessToken.Reveal(), err)
		}
	})
	t.Run("during a request that fails", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(context.Background())
		f := &fakeTime{now: testNow}
		sent := 0
		_, err := f.retry(4, time.Minute).Do(ctx, func(one context.Context) (TokenSet, error) {
			sent++
			cancel(cause)
			if one.Err() != nil {
				t.Error("the signal reached the request under way")
			}
			return TokenSet{}, &Error{Kind: Temporary, Lost: true}
		})
		if sent != 1 || !errors.Is(err, cause) {
			t.Errorf("%d requests, %v; want 1 and the cause", sent, err)
		}
	})
	t.Run("during a pause", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(context.Background())
		r := (&fakeTime{now: testNow}).retry(4, time.Minute)
		r.Pause = func(ctx context.Context, _ time.Duration) { cancel(cause); Sleep(ctx, time.Hour) }
		sent := 0
		_, err := r.Do(ctx, func(context.Context) (TokenSet, error) {
			sent++
			return TokenSet{}, &Error{Kind: Temporary}
		})
		if sent != 1 || !errors.Is(err, cause) {
			t.Errorf("%d requests, %v; want 1 and the cause", sent, err)
		}
	})
}

// The first try waits long: short limits rotate on the server and lose the
// answer (docs/xero.md section 2).
func TestRetryLimits(t *testing.T) {
	f := &fakeTime{now: testNow}
	for _, tt := range []struct {
		name  string
		bound time.Duration
		most  time.Duration
	}{{"one try is shorter than the bound", 75 * time.Second, 30 * time.Second}, {"the bound is shorter than one try", 10 * time.Second, 10 * time.Second}} {
		t.Run(tt.name, func(t *testing.T) {
			before := time.Now()
			_, err := f.retry(1, tt.bound).Do(context.Background(), func(ctx context.Context) (TokenSet, error) {
				end, ok := ctx.Deadline()
				if !ok || end.Before(before.Add(tt.most)) || end.After(time.Now().Add(tt.most)) {
					t.Errorf("the request ends at %v (%t); want %s after it began", end, ok, tt.most)
				}
				return TokenSet{}, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRetryTraces(t *testing.T) {
	f := &fakeTime{now: testNow}
	var told lines
	r := f.retry(2, time.Minute)
	r.Trace = told.add
	_, _ = r.Do(context.Background(), func(context.Context) (TokenSet, error) {
		return TokenSet{AccessToken: secret.New(testAccess)}, &Error{Step: "refreshing the session", Kind: Temporary, Status: 503}
	})
	want := []string{"try 1 of 2: refreshing the session: Xero answered 503 Service Unavailable; trying again in 500ms"}
	if got := told.all(); !reflect.DeepEqual(got, want) {
		t.Errorf("traced %q; want %q", got, want)
	}
}
