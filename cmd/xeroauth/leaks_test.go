package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// findLeaks is the canary: every token, code, verifier and secret that the
// sandboxes ever issued or saw is searched for in all that the program
// printed, in its arguments and in every file of the script. It may stand only
// where it was asked for: the stdout of header, token and export, files named asked-*,
// and a client secret in the store "plain" and in the scripts' keychain.
func findLeaks(env *testscript.Env, secrets []string, captured string) {
	searched := 0
	err := filepath.WalkDir(env.WorkDir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a browser that closes late renamed it
		}
		if err != nil || d.IsDir() || wasAskedFor(path, captured) {
			return err
		}
		body, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		searched++
		if seedValue().Match(body) {
			env.T().Log("a seed stands in " + path)
			env.T().FailNow()
		}
		for _, s := range secrets {
			if bytes.Contains(body, []byte(s)) {
				env.T().Log(fmt.Sprintf("a secret of %d characters stands in %s", len(s), path))
				env.T().FailNow()
			}
		}
		return nil
	})
	if err != nil {
		env.T().Log(err)
		env.T().FailNow()
	}
	if searched == 0 {
		env.T().Log("the canary searched no file")
		env.T().FailNow()
	}
}

// seedValue finds what seeds a job: it holds tokens, in a form of its own.
var seedValue = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`xs1\.[0-9a-f-]*\.x1\.[A-Za-z0-9_-]{40}`) })

func wasAskedFor(path, captured string) bool {
	name, dir := filepath.Base(path), filepath.Dir(path)
	switch {
	case strings.HasPrefix(name, "asked-"):
		return true
	case filepath.Base(dir) == "sessions":
		return strings.HasSuffix(name, "#client.txt")
	case filepath.Base(dir) == "keychain":
		return strings.HasSuffix(name, "#client")
	case dir != captured:
		return false
	}
	if process, ok := strings.CutSuffix(name, ".seed.stdout"); ok {
		argv, err := os.ReadFile(filepath.Join(dir, process+".seed.argv"))
		return err == nil && strings.Contains(string(argv), "\x00stdout")
	}
	for _, ok := range []string{".header.stdout", ".token.stdout", ".export.stdout", ".sandbox.stderr"} {
		if strings.HasSuffix(name, ok) {
			return true
		}
	}
	return false
}

// scriptErrorObject checks what --json makes of an error: the last line on
// stderr is one object with one error, whose code is CODE and whose message and
// hint match. errorobject CODE MESSAGE-PATTERN HINT-PATTERN.
func scriptErrorObject(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: errorobject CODE MESSAGE-PATTERN HINT-PATTERN")
	}
	lines := strings.Split(strings.TrimSuffix(ts.ReadFile("stderr"), "\n"), "\n")
	last := lines[len(lines)-1]
	var got struct {
		Error *struct{ Code, Message, Hint *string }
	}
	d := json.NewDecoder(strings.NewReader(last))
	d.DisallowUnknownFields()
	ts.Check(d.Decode(&got))
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		ts.Fatalf("the last line on stderr is more than one object: %s", last)
	}
	if got.Error == nil || got.Error.Code == nil || got.Error.Message == nil || got.Error.Hint == nil {
		ts.Fatalf("the last line on stderr is no error with code, message and hint: %s", last)
	}
	for i, text := range []string{*got.Error.Code, *got.Error.Message, *got.Error.Hint} {
		pattern := args[i]
		if i == 0 {
			pattern = "^" + regexp.QuoteMeta(pattern) + "$"
		}
		if found, err := regexp.MatchString(pattern, text); err != nil || !found {
			ts.Fatalf("%q does not match %q: %s", text, pattern, last)
		}
	}
}

// scriptKeys checks that FILE is a JSON object, or a list of at least one, with
// exactly these keys: keys FILE NAME...
func scriptKeys(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: keys FILE NAME...")
	}
	text := []byte(ts.ReadFile(args[0]))
	var list []map[string]any
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		ts.Check(json.Unmarshal(text, &list))
	} else {
		var one map[string]any
		ts.Check(json.Unmarshal(text, &one))
		list = append(list, one)
	}
	want := slices.Sorted(slices.Values(args[1:]))
	for _, object := range list {
		var got []string
		for key := range object {
			got = append(got, key)
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			ts.Fatalf("the keys are %s, not %s", got, want)
		}
	}
	if len(list) == 0 {
		ts.Fatalf("the list is empty")
	}
}

// scriptHarmless checks that nothing in FILE... would make a terminal obey or
// change the order of what is shown: harmless FILE...
func scriptHarmless(ts *testscript.TestScript, neg bool, args []string) {
	for _, file := range args {
		harm := strings.IndexFunc(ts.ReadFile(file), func(r rune) bool {
			return r < ' ' && r != '\n' || 0x7f <= r && r <= 0x9f || 0x200e <= r && r <= 0x200f ||
				0x2028 <= r && r <= 0x202e || 0x2066 <= r && r <= 0x2069
		})
		if (harm >= 0) != neg {
			ts.Fatalf("%s: the first harmful character is at %d", file, harm)
		}
	}
}

// scriptText puts the JSON string in FILE into the variable NAME, for texts
// that no line of a script can hold: text NAME FILE.
func scriptText(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: text NAME FILE")
	}
	var text string
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &text))
	ts.Setenv(args[0], text)
}

// scriptFromFile puts what FILE holds into the variable NAME, without the end of
// its last line: fromfile NAME FILE.
func scriptFromFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: fromfile NAME FILE")
	}
	ts.Setenv(args[0], strings.TrimSuffix(ts.ReadFile(args[1]), "\n"))
}

// scriptEmpty checks that a folder holds nothing, or is not there: empty DIR.
func scriptEmpty(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: empty DIR")
	}
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		ts.Check(err)
	}
	if (len(entries) == 0) == neg {
		ts.Fatalf("%s holds %v", args[0], entries)
	}
}
