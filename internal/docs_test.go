package internal_test

import (
	"crypto/tls"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTroubleshootingTexts: what docs/troubleshooting.md explains is what the
// program says. A text may have gaps (…) and numbers in it, and is put together
// from a step, a verb and a code; what lies between stands in the source.
func TestTroubleshootingTexts(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "troubleshooting.md"))
	if err != nil {
		t.Fatal(err)
	}
	source := allSource(t) + (&tls.CertificateVerificationError{Err: errors.New("why")}).Error()
	texts := regexp.MustCompile("(?m)^\\| `([^`]+)`|\\*\\*(?:[0-9]+ )?`([^`]+)`\\*\\*").FindAllStringSubmatch(string(page), -1)
	if len(texts) < 30 {
		t.Fatalf("the page explains only %d texts", len(texts))
	}
	gaps := regexp.MustCompile(`…|[0-9]{3}|: | within |Xero answered `)
	for _, found := range texts {
		text := found[1] + found[2]
		for _, piece := range gaps.Split(text, -1) {
			if !strings.Contains(source, strings.TrimSpace(piece)) {
				t.Errorf("nothing says %q (of %q)", strings.TrimSpace(piece), text)
			}
		}
	}
}

// allSource is every Go file below here, tests too: they quote what other
// people's programs say.
func allSource(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" {
			return err
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
