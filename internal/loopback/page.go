package loopback

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html"
	"strings"
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

// pagePolicy allows the one style sheet by its hash, and nothing else.
func pagePolicy() string {
	sum := sha256.Sum256([]byte(pageCSS))
	return "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'sha256-" +
		base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// markup is HTML. html/template is not used: through it every command would
// start later and the program be a fifth larger, because the linker must keep
// each method that a template could name.
type markup struct{ strings.Builder }

// add adds a constant format whose verbs, all %s, stand between tags or in
// quoted attributes, where the escaped texts are nothing but text.
func (m *markup) add(format string, texts ...string) {
	escaped := make([]any, len(texts))
	for i, t := range texts {
		escaped[i] = html.EscapeString(t)
	}
	fmt.Fprintf(m, format, escaped...)
}

// paragraph adds an element that is left out when it is empty.
func (m *markup) paragraph(format, text string) {
	if text != "" {
		m.add(format, text)
	}
}

// The drawings beside the heading; the words say the same.
const (
	tick  = `<path d="M4 13l5 5L20 6"/>`
	cross = `<path d="M6 6l12 12M18 6L6 18"/>`
)

func (p Page) render() []byte {
	class, drawing := "", tick
	if !p.OK {
		class, drawing = ` class="failed"`, cross
	}
	m := new(markup)
	m.add(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>%s · xeroauth</title>
<style>`, p.Heading)
	m.WriteString(pageCSS)
	m.WriteString("</style>\n</head>\n<body>\n<header>xeroauth</header>\n<main" + class + ">\n")
	m.WriteString(`<h1><svg viewBox="0 0 24 24" aria-hidden="true" focusable="false">` + drawing + "</svg>")
	m.add("%s</h1>\n", p.Heading)
	m.paragraph("<p>%s</p>\n", p.Text)
	m.list("Connected just now", p.Connected())
	m.list("Connected before", p.Before())
	m.paragraph("<p class=\"advice\">%s</p>\n", p.Advice)
	m.paragraph("<pre><code>%s</code></pre>\n", p.Command)
	m.add("</main>\n</body>\n</html>\n")
	return []byte(m.String())
}

// list adds organisations under a heading of their own, if there are any.
func (m *markup) list(heading string, organisations []Organisation) {
	if len(organisations) == 0 {
		return
	}
	m.add("<h2>%s</h2>\n<ul>\n", heading)
	for _, o := range organisations {
		m.add("<li><bdi>%s</bdi></li>\n", o.Name)
	}
	m.add("</ul>\n")
}
