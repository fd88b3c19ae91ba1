package keychain

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/xeroauth/xeroauth/internal/store"
)

// somewhere is an address that the guard takes for a bus; no test here dials it.
const somewhere = "unix:path=/nowhere"

func answering[T any](v T, err error) func() (T, error) { return func() (T, error) { return v, err } }

func TestGuardPassesAnswersOn(t *testing.T) {
	c := Config{Limit: time.Minute, BusAddress: somewhere}
	if v, err := guard(t.Context(), c, "asking", false, answering("value", nil)); v != "value" || err != nil {
		t.Errorf("an answer: %q, %v", v, err)
	}
	v, err := guard(t.Context(), c, "asking", false, answering("value", keyring.ErrNotFound))
	if !errors.Is(err, store.ErrNotFound) || v != "" {
		t.Errorf("not found: %q, %v", v, err)
	}
	v, err = guard(t.Context(), c, "asking", true, answering("value", errors.New("something new")))
	wantError(t, err, store.Other, "asking")
	if v != "" {
		t.Error("a value came with an error")
	}
}

// TestGuardCatchesPanics: go-keyring panics when the bus dies while a prompt is
// open.
func TestGuardCatchesPanics(t *testing.T) {
	c := Config{Limit: time.Minute, BusAddress: somewhere}
	v, err := guard(t.Context(), c, "asking", false, func() (string, error) {
		panic("assignment to entry in nil map")
	})
	wantError(t, err, store.NoBus, "asking")
	if v != "" || strings.Contains(err.Error(), "nil map") || strings.Contains(err.Error(), "goroutine") {
		t.Errorf("the text is for Go programmers: %v", err)
	}
}

// hung is a call that does not answer until it is let go.
func hung() (call func() (string, error), let func()) {
	held := make(chan struct{})
	return func() (string, error) { <-held; return "too late", nil }, func() { close(held) }
}

// The tests below run on a clock that jumps when everybody waits.

func TestGuardEndsAHungCall(t *testing.T) {
	for _, c := range []struct {
		name        string
		limit       time.Duration
		ctx         func(context.Context) context.Context
		want        time.Duration
		wantWaiting int
	}{
		{"a reader's limit", 5 * time.Second, func(ctx context.Context) context.Context { return ctx }, 5 * time.Second, 1},
		{"a person's limit", time.Minute, func(ctx context.Context) context.Context { return ctx }, time.Minute, 1},
		{"below a second nobody is told", 900 * time.Millisecond, func(ctx context.Context) context.Context { return ctx }, 900 * time.Millisecond, 0},
		{"the save after a rotation", 5 * time.Second, func(ctx context.Context) context.Context {
			return store.WithLimit(ctx, time.Minute)
		}, time.Minute, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				call, let := hung()
				defer let()
				waiting := 0
				var told time.Duration
				start := time.Now()
				cfg := Config{Limit: c.limit, BusAddress: somewhere, Waiting: func() { waiting++; told = time.Since(start) }}
				v, err := guard(c.ctx(t.Context()), cfg, "asking", false, call)
				wantError(t, err, store.Timeout, "asking")
				if took := time.Since(start); took != c.want {
					t.Errorf("it took %s, want %s", took, c.want)
				}
				if v != "" || !strings.Contains(err.Error(), c.want.String()) {
					t.Errorf("value %q, and the text does not say %s: %v", v, c.want, err)
				}
				if waiting != c.wantWaiting || waiting > 0 && told != time.Second {
					t.Errorf("told %d times, after %s; want %d after a second", waiting, told, c.wantWaiting)
				}
			})
		})
	}
}

func TestGuardTakesALateAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waiting := 0
		cfg := Config{Limit: time.Minute, BusAddress: somewhere, Waiting: func() { waiting++ }}
		v, err := guard(t.Context(), cfg, "asking", false, func() (string, error) {
			time.Sleep(40 * time.Second) // of the test's clock: somebody looks for a password
			return "value", nil
		})
		if v != "value" || err != nil || waiting != 1 {
			t.Errorf("value %q, %v, told %d times", v, err, waiting)
		}
	})
}

func TestGuardWithoutSomebodyToTell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		call, let := hung()
		defer let()
		_, err := guard(t.Context(), Config{Limit: 5 * time.Second, BusAddress: somewhere}, "asking", false, call)
		wantError(t, err, store.Timeout, "asking")
	})
}

func TestGuardEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		call, let := hung()
		defer let()
		cause := errors.New("a signal came")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(3*time.Second, func() { cancel(cause) })
		start := time.Now()
		v, err := guard(ctx, Config{Limit: time.Minute, BusAddress: somewhere}, "asking", false, call)
		if v != "" || !errors.Is(err, cause) || time.Since(start) != 3*time.Second {
			t.Errorf("value %q, %v after %s", v, err, time.Since(start))
		}
	})
}

// TestGuardLeavesNothingBehind: a call that answers after its limit ends its
// goroutine; the bubble of the test fails if one stays.
func TestGuardLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, end := range []func(){func() {}, func() { panic("late") }} {
			_, err := guard(t.Context(), Config{Limit: time.Second, BusAddress: somewhere}, "asking", true, func() (string, error) {
				time.Sleep(time.Hour)
				end()
				return "too late", nil
			})
			wantError(t, err, store.Timeout, "asking")
		}
		time.Sleep(2 * time.Hour) // of the test's clock
	})
}
