package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/xeroauth/xeroauth/internal/testdir"
)

func manual(t *testing.T, environ ...string) (dir string) {
	t.Helper()
	dir = filepath.Join(testdir.New(t), "man")
	a, stdout, stderr := fresh(t)
	a.Environ = append(a.Environ, environ...)
	if exit := Run(t.Context(), a, []string{"man", dir}); exit != exitOK || stdout.Len() > 0 {
		t.Fatalf("exit %d, %q, %s", exit, stdout, stderr)
	}
	return dir
}

// Each command and topic has a page that tells what its help tells.
func TestManualPages(t *testing.T) {
	dir := manual(t, "SOURCE_DATE_EPOCH=1800000000")
	var want []string
	walk(testRoot(), func(c *cobra.Command) {
		v := viewHelp(c)
		name := v.manName() + "." + v.manSection()
		want = append(want, name)
		page, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
			return
		}
		parts := []string{".SH NAME\n" + roffText(v.manName()) + ` \- ` + roffText(v.Short), ".SH DESCRIPTION\n", `"2027-01-15" "xeroauth 1.2.3"`}
		if !v.topic {
			parts = append(parts, ".SH SYNOPSIS\n", ".SH EXAMPLES\n", ".SH EXIT STATUS\n", ".SH SEE ALSO\nxeroauth(1)")
		}
		for _, f := range v.Flags {
			parts = append(parts, `\-\-`+roffText(f.Name))
		}
		for _, x := range v.Environment {
			parts = append(parts, roffText(x.Name))
		}
		for _, part := range parts {
			if !strings.Contains(string(page), part) {
				t.Errorf("%s lacks %q", name, part)
			}
		}
	})
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the pages are %q; want %q", got, want)
	}
	for _, page := range []string{"xeroauth-tenants-use.1", "xeroauth-exit-codes.7"} {
		if !slices.Contains(got, page) {
			t.Errorf("there is no %s", page)
		}
	}
}

// The clock is in none of them.
func TestManualPagesAreReproducible(t *testing.T) {
	one, two := manual(t), manual(t)
	entries, err := os.ReadDir(one)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		a, errA := os.ReadFile(filepath.Join(one, e.Name()))
		b, errB := os.ReadFile(filepath.Join(two, e.Name()))
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs, %v, %v", e.Name(), errA, errB)
		}
		if !strings.Contains(string(a), ` "" "xeroauth 1.2.3" "xeroauth"`) {
			t.Errorf("%s has a date: %.100s", e.Name(), a)
		}
	}
	a, stdout, stderr := fresh(t)
	a.Environ = append(a.Environ, "SOURCE_DATE_EPOCH=today")
	dir := filepath.Join(testdir.New(t), "man")
	if exit := Run(t.Context(), a, []string{"man", dir}); exit != exitUsage || stdout.Len() > 0 || !strings.Contains(stderr.String(), "SOURCE_DATE_EPOCH") {
		t.Errorf("exit %d, %s", exit, stderr)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("pages were written all the same")
	}
}

func TestRoffText(t *testing.T) {
	for text, want := range map[string]string{
		"plain words": "plain words", "--api": `\-\-api`, ".TH evil": `\&.TH evil`, "'quoted'": `\&\(aqquoted\(aq`, `a\fBb`: `a\efBb`,
		`say "x"`: `say \(dqx\(dq`, "~/x ^ `": `\(ti/x \(ha \(ga`, "a…b": `a\[u2026]b`, "": "",
	} {
		if got := roffText(text); got != want {
			t.Errorf("roffText(%q) = %q; want %q", text, got, want)
		}
	}
}

// groff, where it is, finds nothing to say about the pages, and shows what can
// be pasted as it stands.
func TestManualPagesRender(t *testing.T) {
	if _, err := exec.LookPath("groff"); err != nil {
		t.Skip("groff is not installed")
	}
	dir := manual(t)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		var stdout, stderr bytes.Buffer
		cmd := exec.Command("groff", "-man", "-ww", "-Tutf8", "-P-cbou", filepath.Join(dir, e.Name()))
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); err != nil || stderr.Len() > 0 {
			t.Errorf("%s: %v: %s", e.Name(), err, &stderr)
		}
		if e.Name() == "xeroauth-header.1" {
			for _, want := range []string{"xeroauth header --api | curl -fsS -H @- https://api.xero.com/api.xro/2.0/Organisation", `xeroauth header --tenant "Demo Company (AU)"`, "…"} {
				if !strings.Contains(stdout.String(), want) {
					t.Errorf("the page of header lacks %q:\n%s", want, &stdout)
				}
			}
		}
	}
}
