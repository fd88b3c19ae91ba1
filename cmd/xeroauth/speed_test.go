//go:build linux

package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/sandbox"
	"github.com/xeroauth/xeroauth/internal/testdir"
)

var (
	speedRounds       = flag.Int("speed.rounds", 1, "how often TestSpeed runs each program")
	speedInstructions = flag.Bool("speed.instructions", false, "TestSpeed counts instructions, by valgrind")
)

// TestSpeed runs whole programs in turn and prints how their times compare,
// as docs/benchmarks.md explains. No time fails it: machines differ, and on
// one machine so do minutes. What fails it is a program that fails.
func TestSpeed(t *testing.T) {
	needPart(t, "keychain", "dbus-run-session", "gnome-keyring-daemon", "secret-tool")
	if os.Getenv(insideKeyring) == "" {
		t.Setenv("XEROAUTH_TEST_SPEED_ROUNDS", strconv.Itoa(*speedRounds))
		if *speedInstructions {
			t.Setenv("XEROAUTH_TEST_SPEED_INSTRUCTIONS", "1")
		}
		runInsideKeyring(t)
		return
	}
	s := newSpeed(t)
	fmt.Printf("\n%d rounds on %s\n", s.rounds, machine())
	s.compareLogins(t)
	s.compareHeader(t)
	s.compareMany(t)
	s.compareProfiles(t)
	s.compareTenants(t)
	if os.Getenv("XEROAUTH_TEST_SPEED_INSTRUCTIONS") != "" {
		s.countInstructions(t)
	}
	size, err := os.Stat(s.xeroauth.path)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("\nThe program has %d bytes.\n", size.Size())
}

// program is one command line to measure.
type program struct {
	name, path string
	args, env  []string
}

func (p program) with(name string, env []string, args ...string) program {
	return program{name, p.path, args, env}
}

// speed is what the comparisons share: programs, a keychain with one session,
// folders of settings.
type speed struct {
	rounds                int
	xeroauth, hello, bare program
	secretTool            program
	authority, uri        string
	tokenAsked            chan time.Time
}

func newSpeed(t *testing.T) *speed {
	rounds, err := strconv.Atoi(os.Getenv("XEROAUTH_TEST_SPEED_ROUNDS"))
	if err != nil {
		t.Fatal(err)
	}
	build := func(source string) program {
		path := filepath.Join(t.TempDir(), filepath.Base(source))
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, source)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("building %s: %v\n%s", source, err, out)
		}
		return program{name: filepath.Base(source), path: path}
	}
	secretTool, err := exec.LookPath("secret-tool")
	if err != nil {
		t.Fatal(err)
	}
	s := &speed{
		rounds: rounds, xeroauth: build("../xeroauth"), hello: build("./testdata/speed/hello"), bare: build("./testdata/speed/bare"),
		tokenAsked: make(chan time.Time, 1), uri: freeURI(),
	}
	s.bare = s.bare.with("a bare go-keyring read", nil, "xeroauth", "default")
	s.secretTool = program{"secret-tool lookup", secretTool, []string{"lookup", "service", "xeroauth", "username", "default"}, nil}

	cfg := sandbox.Config{
		Key: signingKey(), AutoConsent: true, AccessLifetime: 24 * time.Hour, MinuteLimit: 1_000_000,
		Clients: []sandbox.Client{{ID: sandbox.DefaultPublicClientID, Kind: sandbox.Public, RedirectURIs: []string{s.uri}}},
	}
	for i := range 5000 {
		org := sandbox.Organisation{TenantID: tenantID(i), Name: tenantName(i)}
		cfg.Organisations = append(cfg.Organisations, org)
		cfg.ConsentOrganisations = append(cfg.ConsentOrganisations, org.TenantID)
	}
	played, err := sandbox.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/connect/token" {
			s.tokenAsked <- time.Now()
		}
		played.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { _ = played.Close(); server.Close() })
	s.authority = server.URL
	return s
}

func tenantID(i int) string { return fmt.Sprintf("0a000000-0000-4000-8000-%012d", i) }

func tenantName(i int) string { return fmt.Sprintf("Organisation of a client, number %d", i) }

// took is what one program took in each round.
type took struct {
	times  []float64 // milliseconds
	faults []float64
}

// run runs a program as often as copies says, at once, and waits for all.
func (p program) run(t *testing.T, copies int, out *took) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	// Of a name that stands twice, programs take the one or the other.
	environ := (&exec.Cmd{Env: append(os.Environ(), p.env...)}).Environ()
	attr := &os.ProcAttr{Env: environ, Files: []*os.File{null, null, null}}
	var processes []*os.Process
	start := time.Now()
	for range copies {
		process, err := os.StartProcess(p.path, append([]string{p.path}, p.args...), attr)
		if err != nil {
			t.Fatal(err)
		}
		processes = append(processes, process)
	}
	faults := 0.0
	for _, process := range processes {
		state, err := process.Wait()
		if err != nil || !state.Success() {
			t.Errorf("%s: %v %v", p.name, state, err)
			continue
		}
		if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
			faults += float64(usage.Minflt)
		}
	}
	out.times = append(out.times, time.Since(start).Seconds()*1000)
	out.faults = append(out.faults, faults)
}

// compare runs programs in turn, so that a minute in which the machine is slow
// is slow for all, and prints each one's median, its ratio to each of the
// first ones, which is the median of the ratios within each round, and the
// pages that the system had to bring in, which do not depend on other load.
func (s *speed) compare(t *testing.T, title string, rounds, copies, yardsticks int, programs ...program) {
	t.Helper()
	results := make([]took, len(programs))
	for round := range rounds {
		for i := range programs {
			k := (i + round) % len(programs)
			programs[k].run(t, copies, &results[k])
		}
	}
	fmt.Printf("\n%s\n\n| program | median | ", title)
	for _, p := range programs[:yardsticks] {
		fmt.Printf("× %s | ", p.name)
	}
	fmt.Printf("page faults |\n|---|---|%s---|\n", strings.Repeat("---|", yardsticks))
	for i, p := range programs {
		fmt.Printf("| %s | %.1f ms | ", p.name, median(results[i].times))
		for k := range yardsticks {
			ratios := make([]float64, rounds)
			for r := range ratios {
				ratios[r] = results[i].times[r] / results[k].times[r]
			}
			fmt.Printf("%.2f | ", median(ratios))
		}
		fmt.Printf("%.0f |\n", median(results[i].faults))
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// machine says what was measured on, and how busy it was.
func machine() string {
	model, load := "an unknown processor", "unknown"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if m := regexp.MustCompile(`(?m)^model name\s*: (.*)$`).FindSubmatch(b); m != nil {
			model = string(m[1])
		}
	}
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		load, _, _ = strings.Cut(string(b), " ")
	}
	return model + ", load " + load
}

// settings makes a folder of settings whose profile default has tenants, with
// other profiles beside it.
func (s *speed) settings(t *testing.T, profiles, tenants int) (env []string) {
	config := t.TempDir()
	dir := profile.Dir{Path: filepath.Join(config, "xeroauth")}
	for i := range profiles {
		p := profile.Profile{Name: "default", ClientID: sandbox.DefaultPublicClientID, App: profile.Public, Authority: s.authority, Store: "keychain"}
		if i > 0 {
			p.Name = fmt.Sprintf("client-%d", i)
		}
		if err := dir.Save(p); err != nil {
			t.Fatal(err)
		}
	}
	list := make([]profile.Tenant, tenants)
	for i := range list {
		list[i] = profile.Tenant{ID: tenantID(i), Name: tenantName(i), Type: "ORGANISATION", ConnectionID: "0c" + tenantID(i)[2:], AuthEventID: tenantID(0), Created: time.Unix(1795253400, 0), Updated: time.Unix(1795253400, 0)}
	}
	if err := dir.SaveTenants("default", list); err != nil {
		t.Fatal(err)
	}
	return []string{"XDG_CONFIG_HOME=" + config}
}

func (s *speed) compareHeader(t *testing.T) {
	env := s.settings(t, 1, 1)
	s.compare(t, "One at a time", s.rounds, 1, 2, s.hello, s.secretTool, s.bare,
		s.xeroauth.with("header", env, "header"), s.xeroauth.with("header --api", env, "header", "--api"),
		s.xeroauth.with("version", env, "version"), s.xeroauth.with("--help", env, "--help"),
		s.xeroauth.with("completion of a flag", env, "__complete", "header", "--ten"))
}

func (s *speed) compareMany(t *testing.T) {
	s.compare(t, "Fifty at once", (s.rounds+9)/10, 50, 1, s.bare, s.xeroauth.with("header", s.settings(t, 1, 1), "header"))
}

func (s *speed) compareProfiles(t *testing.T) {
	one, many := s.settings(t, 1, 1), s.settings(t, 1000, 1)
	s.compare(t, "Profiles", s.rounds, 1, 1, s.xeroauth.with("header, one profile", one, "header"), s.xeroauth.with("header, 1,000 profiles", many, "header"))
	s.compare(t, "Lists of profiles", (s.rounds+4)/5, 1, 1, s.xeroauth.with("profiles, one", one, "profiles"), s.xeroauth.with("profiles, 1,000", many, "profiles"),
		s.xeroauth.with("completion of -p, 1,000", many, "__complete", "header", "-p", ""))
}

func (s *speed) compareTenants(t *testing.T) {
	header := func(name string, tenants int) program {
		return s.xeroauth.with(name, s.settings(t, 1, tenants), "header", "--tenant", tenantName(tenants-1))
	}
	s.compare(t, "header --tenant NAME", s.rounds, 1, 1, header("one tenant", 1), header("500 tenants", 500), header("5,000 tenants", 5000))
	few, many := s.settings(t, 1, 1), s.settings(t, 1, 5000)
	s.compare(t, "Tenants", (s.rounds+4)/5, 1, 1, s.xeroauth.with("tenants, 5,000, asked of the sandbox", many, "tenants"),
		s.xeroauth.with("completion of --tenant, one", few, "__complete", "header", "--tenant", ""),
		s.xeroauth.with("completion of --tenant, 5,000", many, "__complete", "header", "--tenant", ""))
}

// compareLogins logs in with a browser that consents at once, so that only the
// program's own time counts, and leaves a session in the keychain.
func (s *speed) compareLogins(t *testing.T) {
	var whole, caught []float64
	for range (s.rounds + 4) / 5 {
		start := time.Now()
		stderr := filepath.Join(testdir.New(t), "stderr")
		f, err := os.Create(stderr)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(s.xeroauth.path, "login", "--no-browser", "--authority", s.authority, "--client-id", sandbox.DefaultPublicClientID, "--redirect-uri", s.uri)
		cmd.Stderr = f
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		address := awaitAddress(t, stderr)
		caught = append(caught, s.consent(t, address))
		err = cmd.Wait()
		_ = f.Close()
		if err != nil {
			text, _ := os.ReadFile(stderr)
			t.Fatalf("login: %v\n%s", err, text)
		}
		whole = append(whole, time.Since(start).Seconds()*1000)
	}
	fmt.Printf("\nCode caught to token request: median %.2f ms, longest %.2f ms, of %d logins.\n", median(caught), slices.Max(caught), len(caught))
	fmt.Printf("A whole login with 5,000 organisations and no person: median %.0f ms.\n", median(whole))
}

// consent plays the browser, and returns the milliseconds between the moment
// at which it sends the code and the one at which the token request arrives.
func (s *speed) consent(t *testing.T, address string) float64 {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	visit := func(address string) string {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := browser.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.Header.Get("Location")
	}
	callback := visit(address)
	sentAt := time.Now()
	done := visit(callback)
	took := (<-s.tokenAsked).Sub(sentAt)
	// Login waits for the browser to fetch its page.
	visit(callback[:strings.Index(callback, "/callback")] + done)
	return took.Seconds() * 1000
}

// countInstructions prints what the programs execute of their own, a figure
// that no other load moves. valgrind cannot always follow Go's threads: a run
// that it breaks off is tried again.
func (s *speed) countInstructions(t *testing.T) {
	needPart(t, "valgrind", "valgrind")
	fmt.Print("\nInstructions\n\n| program | instructions |\n|---|---|\n")
	env := s.settings(t, 1, 1)
	for _, p := range []program{s.hello, s.secretTool, s.bare, s.xeroauth.with("header", env, "header"), s.xeroauth.with("version", env, "version")} {
		counts := []float64{}
		for tries := 0; tries < 30 && len(counts) < 3; tries++ {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			cmd := exec.CommandContext(ctx, "valgrind", append([]string{"--tool=callgrind", "--callgrind-out-file=/dev/null", p.path}, p.args...)...)
			cmd.Env = append(append(os.Environ(), "GODEBUG=asyncpreemptoff=1"), p.env...)
			out, err := cmd.CombinedOutput()
			cancel()
			m := regexp.MustCompile(`Collected : (\d+)`).FindSubmatch(out)
			if err != nil || m == nil {
				continue
			}
			n, err := strconv.ParseFloat(string(m[1]), 64)
			if err != nil {
				t.Fatal(err)
			}
			counts = append(counts, n)
		}
		if len(counts) == 0 {
			fmt.Printf("| %s | valgrind could not follow it |\n", p.name)
			continue
		}
		fmt.Printf("| %s | %.1f million |\n", p.name, median(counts)/1e6)
	}
}
