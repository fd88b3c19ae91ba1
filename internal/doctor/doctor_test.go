package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/testdir"
	"github.com/xeroauth/xeroauth/internal/xero"
)

func says(f finding) func(*visit, context.Context) finding {
	return func(*visit, context.Context) finding { return f }
}

func TestRun(t *testing.T) {
	stops := warn("do this", "it cannot be used")
	stops.stops = true
	list := []check{
		{"good", nil, says(ok("fine"))},
		{"bad", []string{"good"}, says(fail("type\tthis", "it \x1b[31mhurts\nhere\u202e"))},
		{"child", []string{"good", "bad"}, says(ok("never"))},
		{"grandchild", []string{"child"}, says(ok("never"))},
		{"odd", []string{"good"}, says(warn("look", "strange"))},
		{"after odd", []string{"odd"}, says(ok("made"))},
		{"stopping", nil, says(stops)},
		{"stopped", []string{"stopping", "grandchild"}, says(ok("never"))},
	}
	got, err := run(t.Context(), &visit{}, list)
	want := []Result{
		{"good", OK, "fine", "", ""},
		{"bad", Fail, "it [31mhurts; here", "typethis", ""},
		{"child", Skipped, "", "", "bad"},
		{"grandchild", Skipped, "", "", "bad"},
		{"odd", Warn, "strange", "look", ""},
		{"after odd", OK, "made", "", ""},
		{"stopping", Warn, "it cannot be used", "do this", ""},
		{"stopped", Skipped, "", "", "stopping"},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v\n%+v\nwant\n%+v", err, got, want)
	}
}

// A signal ends a doctor without an answer.
func TestRunStopped(t *testing.T) {
	cause := errors.New("a signal")
	ctx, cancel := context.WithCancelCause(t.Context())
	list := []check{{"last", nil, func(*visit, context.Context) finding { cancel(cause); return ok("half") }}, {"never", nil, says(ok(""))}}
	if got, err := run(ctx, &visit{}, list); got != nil || !errors.Is(err, cause) {
		t.Errorf("%+v, %v", got, err)
	}
}

// The ids are promised, and docs/doctor.md tells of each with what it needs.
func TestIDs(t *testing.T) {
	ids, needs := IDs()
	want := strings.Fields(`config profile app redirect browser store lock session scopes offline-access network clock client renewal
		token connections tenant api api-no-tenant`)
	if !slices.Equal(ids, want) {
		t.Errorf("the checks are %q", ids)
	}
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "doctor.md"))
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range ids {
		var quoted []string
		for _, need := range needs[id] {
			if !slices.Contains(ids[:i], need) {
				t.Errorf("%s needs %s, which does not come before it", id, need)
			}
			quoted = append(quoted, "`"+need+"`")
		}
		row := fmt.Sprintf("| `%s` | %s", id, strings.Join(quoted, ", "))
		if !strings.Contains(string(doc), "\n"+strings.TrimRight(row, " ")) {
			t.Errorf("docs/doctor.md has no row that begins with %s", row)
		}
	}
	// Of every kind of set-up, what a check needs is made before it.
	for _, s := range []Setup{
		{Missing: true, Profile: profile.Profile{App: profile.Public}}, {Profile: profile.Profile{App: profile.Web}},
		{Profile: profile.Profile{App: profile.Custom}},
	} {
		var before []string
		for _, c := range checks(s) {
			for _, need := range c.needs {
				if !slices.Contains(before, need) {
					t.Errorf("%+v: %s needs %s, which does not come before it", s.Profile, c.id, need)
				}
			}
			before = append(before, c.id)
		}
	}
}

// Redacted by construction: results are plain words, and nothing in this
// package can turn a secret into one.
func TestNoWayOut(t *testing.T) {
	r := reflect.TypeFor[Result]()
	for i := range r.NumField() {
		if f := r.Field(i); f.Type.Kind() != reflect.String {
			t.Errorf("%s is a %s", f.Name, f.Type)
		}
	}
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 5 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, "_test.go") && strings.Contains(string(text), ".Reveal(") {
			t.Errorf("%s reveals a secret", name)
		}
	}
	if f := ok("%v %s %x", secret.New("s3cr3t"), secret.New("s3cr3t"), secret.New("s3cr3t")); strings.Contains(f.seen, "s3cr3t") || strings.Contains(f.seen, "733363") {
		t.Errorf("a secret in %q", f.seen)
	}
}

// patient is a visit whose store is a map, and whose second process is honest.
func patient(t *testing.T) (*visit, map[string]secret.Text) {
	entries := map[string]secret.Text{}
	locks := &store.Locks{Dir: testdir.New(t), Wait: time.Minute}
	v := &visit{Setup: Setup{
		Profile: profile.Profile{Name: "acme", App: profile.Public, ClientID: strings.Repeat("A", 32)}, Account: "acme", Now: time.Now,
		Store: &store.Local{
			StoreName: "map", Locks: locks,
			Get: func(_ context.Context, a string) (secret.Text, error) {
				if v, there := entries[a]; there {
					return v, nil
				}
				return secret.Text{}, store.ErrNotFound
			},
			Set: func(_ context.Context, a string, v secret.Text) error { entries[a] = v; return nil },
			Remove: func(_ context.Context, a string) error {
				delete(entries, a)
				return nil
			},
		},
		TryLock: func(context.Context, string) (func(), error) { return func() {}, nil },
		Cmd:     func(words string) string { return "xeroauth " + words + " -p acme" },
		Advise:  func(err error) string { return "advice on: " + err.Error() },
		Near:    func(string, []string) string { return "" },
	}}
	return v, entries
}

func TestStore(t *testing.T) {
	locked := &store.Error{Store: "map", Class: store.Locked, Step: "reading", Err: errors.New("locked")}
	tests := []struct {
		name   string
		second func(sum string) (SecondWord, error)
		want   finding
	}{
		{"a second process that cannot start", func(string) (SecondWord, error) { return SecondWord{}, errors.New("no such file") },
			fail("xeroauth profiles move --store file -p acme", "a second process could not be asked: no such file")},
		{"that finds the store locked", func(string) (SecondWord, error) { return SecondWord{Err: locked}, nil },
			fail("advice on: in a second process: reading: locked", "in a second process: reading: locked")},
		{"that reads something else", func(string) (SecondWord, error) { return SecondWord{Sum: "00"}, nil },
			fail("xeroauth profiles move --store file -p acme", "a second process read something else than was saved")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, entries := patient(t)
			v.Second = func(_ context.Context, what, account string) (SecondWord, error) {
				if what != SecondRead || account != "acme#doctor" || entries[account].Len() != store.MaxPacked {
					t.Errorf("%s %s of %d bytes", what, account, entries[account].Len())
				}
				return tt.second("")
			}
			if got := v.checkStore(t.Context()); got != tt.want {
				t.Errorf("%+v\nwant %+v", got, tt.want)
			}
			if len(entries) != 0 {
				t.Error("the probe was left behind")
			}
		})
	}
}

func TestLock(t *testing.T) {
	const local = "put the folder of locks on a disk of this machine"
	denied := &store.Error{Store: "lock", Class: store.NotWritable, Step: "locking", Err: errors.New("denied")}
	tests := []struct {
		name        string
		held, free  SecondWord
		own, others error
		want        finding
	}{
		{"as it must be", SecondWord{}, SecondWord{Locked: true}, nil, nil, ok("a second process waits while this one holds it, and not longer")},
		{"a disk that gives one lock to two", SecondWord{Locked: true}, SecondWord{Locked: true}, nil, nil, fail(local, "two processes were given the same lock at once")},
		{"a disk that gives none", SecondWord{}, SecondWord{}, nil, nil, fail(local, "a second process was not given a lock that is free")},
		{"a folder that cannot be written", SecondWord{}, SecondWord{}, denied, nil, fail("advice on: locking: denied", "locking: denied")},
		{"only the second cannot", SecondWord{Err: denied}, SecondWord{Err: denied}, nil, nil,
			fail("advice on: locking: denied\nlocking: denied", "a second process could not try the lock: locking: denied\nlocking: denied")},
		{"the session's is taken", SecondWord{}, SecondWord{Locked: true}, nil, &store.LockError{Holder: "xeroauth refresh (process 7)", Waited: time.Second},
			warn("if it stays so, end that process, then: xeroauth refresh -p acme",
				"locks hold between two processes, but the session's is taken: waiting for the session: xeroauth refresh (process 7) still holds it after 1s")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, _ := patient(t)
			holding := false
			v.TryLock = func(_ context.Context, account string) (func(), error) {
				if account == "acme" {
					return func() {}, tt.others
				}
				holding = tt.own == nil
				return func() { holding = false }, tt.own
			}
			v.Second = func(_ context.Context, what, account string) (SecondWord, error) {
				if what != SecondLock || account != "acme#doctor" {
					t.Errorf("%s %s", what, account)
				}
				if holding {
					return tt.held, nil
				}
				return tt.free, nil
			}
			if got := v.checkLock(t.Context()); got != tt.want {
				t.Errorf("%+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestClock(t *testing.T) {
	tests := []struct {
		ahead   time.Duration
		outcome Outcome
		seen    string
	}{
		{0, OK, "within 1s of Xero's"},
		{-60 * time.Second, OK, "within 1m0s of Xero's"},
		{61 * time.Second, Warn, "this machine's clock is 1m1s ahead of Xero's"},
		{-299 * time.Second, Warn, "this machine's clock is 4m59s behind Xero's"},
		{300 * time.Second, Fail, "this machine's clock is 5m0s ahead of Xero's"},
		{-10 * time.Minute, Fail, "this machine's clock is 10m0s behind Xero's"},
	}
	for _, tt := range tests {
		f := (&visit{ahead: &tt.ahead}).checkClock(t.Context())
		if f.outcome != tt.outcome || f.seen != tt.seen || (f.fix != "") != (f.outcome != OK) {
			t.Errorf("%s: %+v", tt.ahead, f)
		}
	}
	if f := (&visit{}).checkClock(t.Context()); f.outcome != Warn {
		t.Errorf("no host told the time: %+v", f)
	}
}

func TestUnreached(t *testing.T) {
	v, _ := patient(t)
	v.Proxy = "HTTPS_PROXY"
	v.client = xero.NewClient(xero.Production(), "test", time.Now)
	refused := errors.New("refused")
	for stage, want := range map[xero.Stage]string{
		xero.AtName: "nslookup identity.xero.com", xero.AtTLS: "export SSL_CERT_FILE=FILE",
		xero.AtConnect: "export HTTPS_PROXY=http://HOST:PORT", xero.AtAnswer: "export HTTPS_PROXY=http://HOST:PORT",
	} {
		f := v.unreached(&xero.ReachError{Host: "identity.xero.com", Stage: stage, Err: refused})
		if f.outcome != Fail || f.fix != want || !strings.HasPrefix(f.seen, "identity.xero.com: refused") {
			t.Errorf("%s: %+v", stage, f)
		}
	}
	f := v.unreached(&xero.ReachError{Host: "identity.xero.com", Stage: xero.AtProxy, Proxy: "10.0.0.1:3128", Err: refused})
	if !strings.HasSuffix(f.fix, "HTTPS_PROXY") && !strings.HasSuffix(f.fix, "HTTPS_PROXY=") ||
		!strings.HasPrefix(f.seen, "identity.xero.com through the proxy 10.0.0.1:3128: refused") {
		t.Errorf("proxy: %+v", f)
	}
}

func TestWord(t *testing.T) {
	for text, want := range map[string]string{
		"openid,accounting.settings.read": "openid,accounting.settings.read", "": "''", "a b": "'a b'", "$(id)": "'$(id)'",
		"it's": `'it'\''s'`, "x;y": "'x;y'", "/home/ada/.config": "/home/ada/.config",
	} {
		if got := word(text); got != want {
			t.Errorf("word(%q) = %s", text, got)
		}
	}
}
