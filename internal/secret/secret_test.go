package secret

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestNothingPrintsASecret(t *testing.T) {
	const hidden = "s3cr3t-t0ken"
	text := New(hidden)
	type exported struct{ Token Text }
	type unexported struct{ token Text }
	var out bytes.Buffer
	for _, v := range []any{
		text, &text, []Text{text}, map[string]Text{"a": text},
		exported{text}, &exported{text}, unexported{text}, &unexported{text}, []unexported{{text}},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
			fmt.Fprintf(&out, verb, v)
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(b)
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
	}
	for _, form := range []string{hidden, fmt.Sprintf("%x", hidden), fmt.Sprintf("%X", hidden)} {
		if strings.Contains(out.String(), form) {
			t.Errorf("output contains the secret as %q", form)
		}
	}
	if !strings.Contains(out.String(), redacted) {
		t.Error("output has no placeholder: the test printed nothing")
	}
}

func TestRevealAndEqual(t *testing.T) {
	if got := New("a").Reveal(); got != "a" {
		t.Errorf("Reveal = %q", got)
	}
	if !New("a").Equal(New("a")) || New("a").Equal(New("b")) || New("a").Equal(New("")) {
		t.Error("Equal does not compare the texts")
	}
	if !New("").IsZero() || New("a").IsZero() {
		t.Error("IsZero is wrong")
	}
}
