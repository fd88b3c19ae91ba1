package keychain

import (
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/zalando/go-keyring"

	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
)

// TestMacOSStatuses: the low bytes of macOS's codes, as its security tool ends
// with them. They run everywhere, because CI has no macOS.
func TestMacOSStatuses(t *testing.T) {
	for _, c := range []struct {
		name     string
		status   int
		writing  bool
		class    store.Class
		notFound bool
	}{
		{"interaction not allowed (SSH, launchd), reading", 36, false, store.Locked, false},
		{"interaction not allowed (SSH, launchd), writing", 36, true, store.Locked, false},
		{"no default keychain, reading", 37, false, store.NoCollection, false},
		{"no default keychain, writing", 37, true, store.NoCollection, false},
		{"not found, reading", 44, false, store.Denied, true},
		{"a denied write says not found", 44, true, store.Denied, false},
		{"no such keychain, writing", 50, true, store.NoCollection, false},
		{"authorization failed, reading", 51, false, store.Locked, false},
		{"authorization failed, writing", 51, true, store.Locked, false},
		{"read only, writing", 52, true, store.NotWritable, false},
		{"not available, reading", 53, false, store.NoCollection, false},
		{"the dialog was cancelled, reading", 128, false, store.Locked, false},
		{"the dialog was cancelled, writing", 128, true, store.Locked, false},
		{"wrong usage", 2, true, store.Other, false},
		{"killed", -1, false, store.Other, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			class, notFound := securityClass(c.status, c.writing)
			if class != c.class || notFound != c.notFound {
				t.Errorf("status %d is class %s, not found %t; want %s, %t", c.status, class, notFound, c.class, c.notFound)
			}
		})
	}
}

func TestWindowsErrorNumbers(t *testing.T) {
	for _, c := range []struct {
		name  string
		errno uint
		class store.Class
	}{
		{"access denied", 5, store.Denied},
		{"a network logon has no logon session", 1312, store.NoLogonSession},
		{"the stub received bad data: too big", 1783, store.TooBig},
		{"anything else", 87, store.Other},
	} {
		t.Run(c.name, func(t *testing.T) {
			if class := errnoClass(c.errno); class != c.class {
				t.Errorf("errno %d is class %s, want %s", c.errno, class, c.class)
			}
		})
	}
}

func TestLibrarysOwnErrors(t *testing.T) {
	for _, c := range []struct {
		name  string
		err   error
		class store.Class
	}{
		{"too big", keyring.ErrSetDataTooBig, store.TooBig},
		{"too big, wrapped", fmt.Errorf("saving: %w", keyring.ErrSetDataTooBig), store.TooBig},
		{"an OS without a keychain", keyring.ErrUnsupportedPlatform, store.Unsupported},
		{"something new", errors.New("something new"), store.Other},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, writing := range []bool{false, true} {
				err := classify("asking", writing, c.err)
				wantError(t, err, c.class, "asking")
				if !errors.Is(err, c.err) {
					t.Errorf("the cause is lost: %v", err)
				}
			}
		})
	}
}

func wantError(t *testing.T, err error, class store.Class, step string) {
	t.Helper()
	var e *store.Error
	if !errors.As(err, &e) || e.Class != class || e.Store != "keychain" || e.Step != step {
		t.Errorf("error %#v (%v), want class %s in step %q", e, err, class, step)
	}
	if errors.Is(err, store.ErrNotFound) {
		t.Errorf("it counts as not found: %v", err)
	}
}

// TestTooBigIsRefusedBeforeAnyCall: macOS can say yes to what it does not
// write, so our own cap comes first, on every OS. No keychain is touched here:
// the bus address of the smaller value is refused.
func TestTooBigIsRefusedBeforeAnyCall(t *testing.T) {
	s, ok := New(Config{BusAddress: "unix:path=/nowhere"}).(*store.Local)
	if !ok {
		t.Fatal("the keychain is no store.Local")
	}
	value := secret.New(strings.Repeat("v", 2501))
	err := s.Set(t.Context(), "acme", value)
	wantError(t, err, store.TooBig, `saving keychain entry "acme"`)
	if want := "2501 bytes"; !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "2500") {
		t.Errorf("the text does not say %s and the limit: %v", want, err)
	}
}

// TestMacOSLine computes the longest line that go-keyring feeds to
// "security -i", whose buffer takes 4,095 bytes and which others found safe up
// to 4,032: a longer one is cut, and its tail runs as a command.
func TestMacOSLine(t *testing.T) {
	safe := regexp.MustCompile(`^[\w@%+=:,./-]+$`) // what needs no quotes
	quote := func(s string) string {
		if safe.MatchString(s) {
			return s
		}
		return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
	}
	longest := 0
	for _, account := range []string{
		"default",
		strings.Repeat("p", 64),
		strings.Repeat("p", 64) + "@0123abcd",
		strings.Repeat("p", 64) + "@0123abcd#client",
		strings.Repeat("p", 64) + "@0123abcd#client#probe",
	} {
		value := "go-keyring-base64:" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("v", store.MaxPacked)))
		line := fmt.Sprintf("add-generic-password -U -s %s -a %s -w %s\n", quote(Service), quote(account), quote(value))
		longest = max(longest, len(line))
	}
	t.Logf("the longest line has %d bytes", longest)
	if longest > 4000 {
		t.Errorf("the longest line has %d bytes, more than 4,000", longest)
	}
	// Windows: 2,560 bytes in a blob, 512 in a name.
	if store.MaxPacked > 2560 {
		t.Errorf("Windows takes no %d bytes", store.MaxPacked)
	}
}

func TestNames(t *testing.T) {
	if Service != "xeroauth" || New(Config{}).Name() != "keychain" {
		t.Error("people's entries and profiles have these names: they may not change")
	}
}
