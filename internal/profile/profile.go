// Package profile keeps what is not secret: one JSON file per profile, the
// name of the profile in use, and each profile's list of tenants. Files are
// replaced whole; a damaged one is reported and costs no other profile
// anything. It holds no token and no secret.
package profile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/xeroauth/xeroauth/internal/atomicfile"
)

// DefaultName is the profile that is used when none is named.
const DefaultName = "default"

// The kinds of app that Xero registers (docs/xero.md section 4).
const (
	Public = "public"
	Web    = "web"
	Custom = "custom"
)

// Profile is a named set of non-secret settings.
type Profile struct {
	Name     string `json:"-"`
	ClientID string `json:"client_id"`
	// App is Public, Web or Custom.
	App string `json:"app"`
	// Authority is the origin of a sandbox; empty means Xero.
	Authority    string   `json:"authority,omitempty"`
	RedirectURIs []string `json:"redirect_uris,omitempty"`
	// Scopes are those to ask for at the next login.
	Scopes []string `json:"scopes,omitempty"`
	// Tenant is the default tenant's id, or empty.
	Tenant string `json:"tenant,omitempty"`
	Store  string `json:"store"`
}

var (
	// ErrNotFound says that there is no such profile.
	ErrNotFound = errors.New("no such profile")
	// ErrName says that a name cannot be a profile's.
	ErrName = errors.New("a profile name has 1 to 64 of a-z 0-9 . _ -, begins and ends with a letter or digit, and is no Windows device name")
)

// DamagedError is a file that is there and cannot be read as what it should be.
type DamagedError struct {
	Path string
	Err  error
}

func (e *DamagedError) Error() string { return fmt.Sprintf("reading %s: %v", e.Path, e.Err) }

func (e *DamagedError) Unwrap() error { return e.Err }

// ValidName reports whether name can be a profile's on every OS: it becomes a
// file's name and a keychain account, which Windows compares without case.
func ValidName(name string) bool {
	if len(name) == 0 || len(name) > 64 || !isAlnum(name[0]) || !isAlnum(name[len(name)-1]) {
		return false
	}
	for i := range len(name) {
		if !isAlnum(name[i]) && strings.IndexByte("._-", name[i]) < 0 {
			return false
		}
	}
	stem, _, _ := strings.Cut(name, ".")
	return !isDevice(stem)
}

func isAlnum(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' }

func isDevice(stem string) bool {
	switch stem {
	case "con", "prn", "aux", "nul":
		return true
	}
	return len(stem) == 4 && (strings.HasPrefix(stem, "com") || strings.HasPrefix(stem, "lpt")) && '0' <= stem[3] && stem[3] <= '9'
}

// Dir is the folder that holds the profiles. It is made on the first save.
type Dir struct{ Path string }

func (d Dir) file(name string) string { return filepath.Join(d.Path, "profiles", name+".json") }

func (d Dir) current() string { return filepath.Join(d.Path, "current.json") }

// Load reads a profile: ErrName, ErrNotFound or *DamagedError.
func (d Dir) Load(name string) (Profile, error) {
	if !ValidName(name) {
		return Profile{}, fmt.Errorf("%q: %w", name, ErrName)
	}
	p := Profile{Name: name}
	if err := readJSON(d.file(name), &p); err != nil {
		return Profile{}, err
	}
	if p.App != Public && p.App != Web && p.App != Custom {
		return Profile{}, &DamagedError{Path: d.file(name), Err: errors.New("its app is not public, web or custom")}
	}
	return p, nil
}

// Save writes a profile whole.
func (d Dir) Save(p Profile) error {
	if !ValidName(p.Name) {
		return fmt.Errorf("%q: %w", p.Name, ErrName)
	}
	return writeJSON(d.file(p.Name), p)
}

// Probe reports why profiles cannot be written; it leaves nothing behind.
func (d Dir) Probe() error {
	const name = ".probe" // no profile can be called so
	return errors.Join(atomicfile.Write(d.file(name), nil), remove(d.file(name)))
}

// ProbeExisting is Probe, except that a folder that is not there yet stays so.
func (d Dir) ProbeExisting() error {
	if _, err := os.Stat(filepath.Join(d.Path, "profiles")); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return d.Probe()
}

// Remove removes a profile, its list of tenants and, if it is in use, that
// mark. A profile that is not there is no error.
func (d Dir) Remove(name string) error {
	if !ValidName(name) {
		return fmt.Errorf("%q: %w", name, ErrName)
	}
	if current, err := d.Current(); err == nil && current == name {
		if err := remove(d.current()); err != nil {
			return err
		}
	}
	return errors.Join(remove(d.file(name)), remove(d.tenantsFile(name)))
}

// Names lists the profiles by name, damaged ones too.
func (d Dir) Names() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(d.Path, "profiles"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".json"); ok && ValidName(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

type inUse struct {
	Profile string `json:"profile"`
}

// Current returns the profile in use: DefaultName when none was chosen.
func (d Dir) Current() (string, error) {
	var c inUse
	err := readJSON(d.current(), &c)
	switch {
	case errors.Is(err, ErrNotFound):
		return DefaultName, nil
	case err != nil:
		return "", err
	case !ValidName(c.Profile):
		return "", &DamagedError{Path: d.current(), Err: ErrName}
	}
	return c.Profile, nil
}

// Use makes name the profile in use.
func (d Dir) Use(name string) error { return writeJSON(d.current(), inUse{Profile: name}) }

// maxFile bounds what is read of a file, in bytes: 5,000 tenants with long
// names fit.
const maxFile = 16 << 20

func readJSON(path string, v any) error {
	f, err := atomicfile.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNotFound
	}
	if err == nil {
		defer func() { _ = f.Close() }()
		err = decode(f, v)
	}
	if err != nil {
		return &DamagedError{Path: path, Err: withoutPath(err)}
	}
	return nil
}

func decode(r io.Reader, v any) error {
	b, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = errors.New("it is far too large")
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

func withoutPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(path, append(b, '\n'))
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
