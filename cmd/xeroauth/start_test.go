//go:build linux

package main

import (
	"debug/elf"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestStart: what every command pays before it does anything.
func TestStart(t *testing.T) {
	program := buildProgram(t)
	t.Run("no package of ours works when the program starts", func(t *testing.T) {
		cmd := exec.Command(program, "version")
		cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "init net/http ") {
			t.Fatalf("%v: the runtime does not tell what it initialises:\n%s", err, out)
		}
		for line := range strings.Lines(string(out)) {
			if strings.HasPrefix(line, "init github.com/xeroauth/") || strings.HasPrefix(line, "init main ") {
				t.Error(strings.TrimSpace(line))
			}
		}
	})
	// With templates in reach, the linker keeps every exported method of every
	// type: a fifth more program, which also starts later.
	t.Run("no templates are linked", func(t *testing.T) {
		f, err := elf.Open(program)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		symbols, err := f.Symbols()
		if err != nil || len(symbols) < 1000 {
			t.Fatalf("%d symbols: %v", len(symbols), err)
		}
		for _, s := range symbols {
			if strings.HasPrefix(s.Name, "text/template.(*state).") || strings.HasPrefix(s.Name, "html/template.(*Template).") {
				t.Fatalf("%s: found by go build -ldflags=-dumpdep and ReflectMethod", s.Name)
			}
		}
	})
}
