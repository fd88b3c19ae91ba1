package main

import (
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/xeroauth/xeroauth/internal/testhub"
)

// The tokens that the scripts' GitHub knows: one that may write, one that may
// not, and one as a job is given.
const (
	hubWriter = "github_pat_thisTokenMayWriteSecrets0001"
	hubReader = "github_pat_thisTokenMayOnlyRead00000002"
	hubJob    = "ghs_thisTokenIsTheJobsOwn000000000000003"
)

func hubTokens() []string { return []string{hubWriter, hubReader, hubJob} }

// scriptGitHub drives a stand-in for GitHub's API of secrets:
//
//	github serve               (starts it and sets GITHUB_API_URL and GH_TOKEN)
//	github token writer|reader|job|none     (what GH_TOKEN is)
//	github limit RETRY-AFTER|-|off          (a secondary rate limit is reached)
//	github fails off|all|[later] SUBSTRING...  (500 for writes of such secrets;
//	                                            later: after the first write)
//	github value NAME PATH     (the variable NAME gets the secret's value)
//	github writes PATH N       github names PATH...      (the secrets that are there)
//	github requests N          (in all, refusals too)
func scriptGitHub(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: see scriptGitHub")
	}
	w := worldOf(ts)
	if args[0] == "serve" {
		w.serveHub(ts)
		return
	}
	h := w.hub
	if h == nil {
		ts.Fatalf("github serve comes first")
	}
	switch args[0] {
	case "token":
		ts.Setenv("GH_TOKEN", map[string]string{"writer": hubWriter, "reader": hubReader, "job": hubJob}[args[1]])
	case "limit":
		h.Do(func() { h.Limited = strings.TrimSuffix(args[1], "off") })
	case "fails":
		spared := 0
		if args[1] == "later" {
			spared = 1
		}
		h.Do(func() {
			h.Fault = func(method, path string) int {
				if method == "PUT" && spared > 0 {
					spared--
					return 0
				}
				if method == "PUT" && slices.ContainsFunc(args[1:], func(part string) bool { return part == "all" || strings.Contains(path, part) }) {
					return 500
				}
				return 0
			}
		})
	case "value":
		s, ok := h.Secret(args[2])
		if !ok {
			ts.Fatalf("there is no secret %s", args[2])
		}
		ts.Setenv(args[1], s.Value)
	case "writes":
		expect(ts, "writes of "+args[1], h.Writes(args[1]), args[2])
	case "names":
		if got := h.Names(); !slices.Equal(got, args[1:]) {
			ts.Fatalf("the secrets are %q, not %q", got, args[1:])
		}
	case "requests":
		expect(ts, "requests to GitHub", len(h.Requests()), args[1])
	default:
		ts.Fatalf("github: unknown word %q", args[0])
	}
}

func (w *world) serveHub(ts *testscript.TestScript) {
	w.hub = testhub.New(hubWriter)
	w.hub.Do(func() { w.hub.Tokens[hubReader], w.hub.Tokens[hubJob] = false, false })
	server := httptest.NewTLSServer(w.hub)
	ts.Defer(server.Close)
	roots := ts.MkAbs("roots.pem")
	ts.Check(os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	ts.Setenv("TEST_ROOTS", roots)
	ts.Setenv("GITHUB_API_URL", server.URL)
	ts.Setenv("GH_TOKEN", hubWriter)
}

// scriptedRoots trusts the scripts' GitHub alone.
func scriptedRoots() *x509.CertPool {
	roots := x509.NewCertPool()
	if pem, err := os.ReadFile(os.Getenv("TEST_ROOTS")); err == nil {
		roots.AppendCertsFromPEM(pem)
	}
	return roots
}
