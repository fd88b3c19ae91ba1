package loopback

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
)

// Page is what the browser shows at the end. All its texts are escaped; those
// from outside must already be without control and direction marks.
type Page struct {
	// OK chooses between the looks of success and failure; the words say it too.
	OK      bool
	Heading string
	// Text is one or two sentences.
	Text string
	// Organisations are listed in their order, new ones first.
	Organisations []Organisation
	// Advice says what to do next, and Command what to type, if anything.
	Advice, Command string
}

// Organisation is one line of the page's list.
type Organisation struct {
	Name string
	// New says that it was connected by this login.
	New bool
}

// Connected are the organisations connected just now.
func (p Page) Connected() []Organisation { return p.organisations(true) }

// Before are those that were connected before.
func (p Page) Before() []Organisation { return p.organisations(false) }

func (p Page) organisations(isNew bool) []Organisation {
	var list []Organisation
	for _, o := range p.Organisations {
		if o.New == isNew {
			list = append(list, o)
		}
	}
	return list
}

//go:embed page.css
var pageCSS string

//go:embed page.html
var pageHTML string

// pagePolicy allows the one style sheet by its hash, and nothing else.
var pagePolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'sha256-" + styleHash() + "'"

func styleHash() string {
	sum := sha256.Sum256([]byte(pageCSS))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// render parses the template here, not when the program starts: only a login
// needs it.
func (p Page) render() []byte {
	var out bytes.Buffer
	t := template.Must(template.New("page").Parse(pageHTML))
	err := t.Execute(&out, struct {
		Page
		Style template.CSS
	}{p, template.CSS(pageCSS)}) //nolint:gosec // our own embedded file
	if err != nil {
		return []byte("<!doctype html><title>xeroauth</title><p>Look at the terminal.")
	}
	return out.Bytes()
}
