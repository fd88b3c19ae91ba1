package job_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/secret"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/store/job"
	"github.com/xeroauth/xeroauth/internal/testdir"
)

const tenant = "0a000000-0000-4000-8000-0000000000a1"

func record(generation int) store.Record {
	at := time.Date(2026, 11, 21, 9, 30, generation, 0, time.UTC)
	return store.Record{
		ClientID: "5A4DB0C0000000000000000000000001", App: "public", AccessToken: secret.New("access-token-of-the-test"), RefreshToken: secret.New("refresh-token-of-the-test"),
		ObtainedAt: at, Expiry: at.Add(30 * time.Minute), RefreshObtainedAt: at, Scopes: []string{"offline_access"},
		User: store.User{ID: "0ada0000-0000-4000-8000-000000000001", Name: "Ada\u202e \"first\"", Email: "ada@example.com"}, Generation: generation,
	}
}

func seedOf(t testing.TB, s job.Seed) secret.Text {
	t.Helper()
	v, err := s.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func open(t testing.TB, dir string, value secret.Text) *job.Store {
	t.Helper()
	s, err := job.New(job.Config{Dir: dir, Value: value, Wait: 10 * time.Second, Holder: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func load(t testing.TB, s *job.Store) (store.Record, store.Version) {
	t.Helper()
	r, v, err := store.LoadRecord(t.Context(), s, job.Account)
	if err != nil {
		t.Fatal(err)
	}
	return r, v
}

// save puts a record in place of what stands there, under the lock.
func save(t testing.TB, s *job.Store, r store.Record) {
	t.Helper()
	unlock, err := s.Lock(t.Context(), job.Account)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	_, version := load(t, s)
	if _, err := store.SaveRecord(t.Context(), s, job.Account, r, version); err != nil {
		t.Fatal(err)
	}
}

func TestSeedComesBack(t *testing.T) {
	for _, name := range []string{"", tenant} {
		for _, around := range [][2]string{{"", ""}, {" \n", "\r\n"}} {
			want := job.Seed{Record: record(3), Tenant: name}
			text := seedOf(t, want).Reveal()
			if strings.ContainsAny(text, " \n\t+/=\"'$`\\") || !strings.HasPrefix(text, "xs1.") {
				t.Error("the seed is not one line that needs no quoting")
			}
			got, err := job.ParseSeed(secret.New(around[0] + text + around[1]))
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("tenant %q: %v", name, err)
			}
		}
	}
	// Where it is written, nothing is due.
	due := job.Seed{Record: record(3)}
	due.Record.WritebackDue = true
	if got, err := job.ParseSeed(seedOf(t, due)); err != nil || got.Record.WritebackDue {
		t.Errorf("a seed that is due came back: %v", err)
	}
}

func TestSeedsAreRefused(t *testing.T) {
	good := seedOf(t, job.Seed{Record: record(3), Tenant: tenant}).Reveal()
	packed := good[strings.Index(good, ".x1.")+1:]
	record3 := record(3)
	record, err := store.Pack("acme", record3)
	if err != nil {
		t.Fatal(err)
	}
	machine, dying := job.Seed{Record: record3}, job.Seed{Record: record3}
	machine.Record.App, dying.Record.RefreshToken = "custom", secret.Text{}
	tests := map[string]string{
		"a custom connection's": seedOf(t, machine).Reveal(), "without a refresh token": seedOf(t, dying).Reveal(),
		"nothing": "", "a word": "nonsense", "the prefix": "xs1.", "no record": "xs1." + tenant, "an empty record": "xs1." + tenant + ".",
		"a profile's record": "xs1.." + record.Reveal(), "a bare record": record.Reveal(), "without its tenant": "xs1.." + packed,
		"another tenant":     strings.Replace(good, "a1.", "a2.", 1),
		"a tenant's name":    "xs1.demo." + packed,
		"upper case":         "xs1." + strings.ToUpper(tenant) + "." + packed,
		"a space within":     good[:60] + " " + good[60:],
		"a line end within":  good[:60] + "\n" + good[60:],
		"twice":              good + good,
		"something appended": good + "A",
		"far too long":       good + strings.Repeat("A", 1<<20),
		"no version":         "xs." + good[4:], "a letter for a version": "xsa." + good[4:],
	}
	for i := range len(good) {
		if i != len("xs") { // the digit that says which format it is
			tests["cut at "+good[:i]] = good[:i]
		}
	}
	for name, text := range tests {
		got, err := job.ParseSeed(secret.New(text))
		if !errors.Is(err, job.ErrSeed) || !reflect.DeepEqual(got, job.Seed{}) {
			t.Errorf("%.20s: %v", name, err)
		} else if len(text) > 30 && strings.Contains(err.Error(), text[10:30]) {
			t.Errorf("%.20s: the error quotes the value", name)
		}
	}
	for i := range good {
		b := []byte(good)
		b[i] ^= 0x01
		if _, err := job.ParseSeed(secret.New(string(b))); err == nil {
			t.Errorf("a seed with another byte %d was taken", i)
		}
	}
	for _, text := range []string{"xs2." + good[4:], "xs10.whatever"} {
		if _, err := job.ParseSeed(secret.New(text)); !errors.Is(err, job.ErrNewerSeed) {
			t.Errorf("%.5s: %v, want ErrNewerSeed", text, err)
		}
	}
}

// Before anything is saved the seed serves, and no file or folder is made.
func TestSeedServes(t *testing.T) {
	dir := filepath.Join(testdir.New(t), "jobs")
	s := open(t, dir, seedOf(t, job.Seed{Record: record(3), Tenant: tenant}))
	if r, _ := load(t, s); !reflect.DeepEqual(r, record(3)) || s.Seed.Tenant != tenant {
		t.Error("the seed's record did not come back")
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("reading made the folder: %v", err)
	}
	if _, _, err := s.Load(t.Context(), "job#client"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("another account: %v, want ErrNotFound", err)
	}
}

// What one step saves the next finds by the same value, and nobody by another.
func TestLaterGenerationWins(t *testing.T) {
	dir := filepath.Join(testdir.New(t), "jobs")
	value := seedOf(t, job.Seed{Record: record(3)})
	save(t, open(t, dir, value), record(4))
	if r, _ := load(t, open(t, dir, secret.New(value.Reveal()+"\n"))); r.Generation != 4 {
		t.Errorf("the next step has generation %d, want 4", r.Generation)
	}
	mark := record(4)
	mark.RefreshingSince = mark.ObtainedAt
	save(t, open(t, dir, value), mark)
	if r, _ := load(t, open(t, dir, value)); r.RefreshingSince.IsZero() {
		t.Error("a mark of the same generation is gone")
	}
	// An older one is written, and not believed: so it is not proven either.
	s := open(t, dir, value)
	_, version := load(t, s)
	if _, err := store.SaveRecord(t.Context(), s, job.Account, record(2), version); !store.IsClass(err, store.Unproven) {
		t.Errorf("saving an older generation: %v, want class unproven", err)
	}
	if r, _ := load(t, open(t, dir, value)); r.Generation != 3 {
		t.Errorf("an older file came first: generation %d, want the seed's 3", r.Generation)
	}
	if r, _ := load(t, open(t, dir, seedOf(t, job.Seed{Record: record(9)}))); r.Generation != 9 {
		t.Errorf("another seed has generation %d, want its own 9", r.Generation)
	}
}

// The file tells nothing: not the tokens, not the value, not by its name.
func TestFileIsSealed(t *testing.T) {
	dir := filepath.Join(testdir.New(t), "jobs")
	value := seedOf(t, job.Seed{Record: record(3)})
	s := open(t, dir, value)
	save(t, s, record(4))
	b, err := os.ReadFile(s.Path)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := store.Pack(job.Account, record(4))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"access-token", "refresh-token", packed.Reveal()[:20], value.Reveal()[:20], "ada@"} {
		if bytes.Contains(b, []byte(text)) {
			t.Errorf("the file holds %q", text)
		}
	}
	save(t, s, record(5))
	save(t, s, record(4))
	if again, err := os.ReadFile(s.Path); err != nil || bytes.Equal(again, b) {
		t.Errorf("the same record was sealed to the same bytes: %v", err)
	}
	// Each byte is guarded; a file of another session does not open.
	for i := range b {
		c := bytes.Clone(b)
		c[i] ^= 0x20
		if err := os.WriteFile(s.Path, c, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := store.LoadRecord(t.Context(), s, job.Account); !store.IsClass(err, store.Damaged) {
			t.Fatalf("with another byte %d: %v, want class damaged", i, err)
		}
	}
	other := open(t, dir, seedOf(t, job.Seed{Record: record(8)}))
	if err := os.WriteFile(other.Path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.LoadRecord(t.Context(), other, job.Account); !store.IsClass(err, store.Damaged) {
		t.Errorf("the file of another session: %v, want class damaged", err)
	}
}

func TestReplacedIsRefused(t *testing.T) {
	dir := filepath.Join(testdir.New(t), "jobs")
	s := open(t, dir, seedOf(t, job.Seed{Record: record(3)}))
	_, old := load(t, s)
	save(t, s, record(4))
	if _, err := store.SaveRecord(t.Context(), s, job.Account, record(5), old); !errors.Is(err, store.ErrReplaced) {
		t.Errorf("saving over another's: %v, want ErrReplaced", err)
	}
	if err := s.Delete(t.Context(), job.Account); err == nil {
		// The seed shows again: a deletion that leaves something is not proven.
		t.Error("deleting the session of a job is claimed to have worked")
	}
}

func FuzzParseSeed(f *testing.F) {
	good := seedOf(f, job.Seed{Record: record(3), Tenant: tenant}).Reveal()
	for _, text := range []string{good, good[:len(good)/2], "xs1.", "xs1..", "xs2.x", "", "xs1.." + good[4:], "\xff\x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := job.ParseSeed(secret.New(text))
		if err != nil {
			if !reflect.DeepEqual(s, job.Seed{}) {
				t.Error("a seed came with the error")
			}
			return
		}
		again, err := job.ParseSeed(seedOf(t, s))
		s.Record.WritebackDue = false
		if err != nil || !reflect.DeepEqual(again, s) {
			t.Errorf("it does not come back: %v", err)
		}
	})
}
