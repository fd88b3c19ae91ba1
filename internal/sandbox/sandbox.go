package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"
)

// maxBody is what a request may carry.
const maxBody = 1 << 20

// How many of each thing are remembered.
const (
	keepRequests = 10_000
	keepTokens   = 20_000
	keepPending  = 1_000
	keepSecrets  = 100_000
	keepPaths    = 10_000
)

// Sandbox is a local Xero. It is an http.Handler, and safe for concurrent use.
type Sandbox struct {
	cfg    Config
	signer *signer
	routes map[string]endpoint
	done   chan struct{} // closed by Close: nothing may hang longer than the sandbox lives

	mu           sync.Mutex // guards everything below
	offset       time.Duration
	authority    string
	servers      []*http.Server
	closed       bool
	started      time.Time
	clients      map[string]*client
	orgs         []Organisation
	consentOrgs  []string
	pending      *bounded[*authorization]
	codes        *bounded[*code]
	refresh      *bounded[*refreshToken]
	access       *bounded[*accessToken]
	faults       []*Fault
	requests     []Request
	pathCounts   map[string]int
	grantCounts  map[string]int
	issuedOrSeen *bounded[struct{}]
}

// New makes a sandbox. It serves through ServeHTTP, or on addresses of its own after Start.
func New(cfg Config) (*Sandbox, error) {
	cfg = cfg.withDefaults()
	if err := checkOrganisations(cfg.Organisations); err != nil {
		return nil, fmt.Errorf("setting up the sandbox: %w", err)
	}
	signer, err := newSigner(cfg.Key)
	if err != nil {
		return nil, fmt.Errorf("setting up the sandbox: %w", err)
	}
	s := &Sandbox{
		cfg: cfg, signer: signer, done: make(chan struct{}), started: cfg.Now(),
		clients: make(map[string]*client), orgs: cfg.Organisations, consentOrgs: cfg.ConsentOrganisations,
		pending: newBounded[*authorization](keepPending), codes: newBounded[*code](keepTokens),
		refresh: newBounded[*refreshToken](keepTokens), access: newBounded[*accessToken](keepTokens),
		issuedOrSeen: newBounded[struct{}](keepSecrets),
		pathCounts:   make(map[string]int), grantCounts: make(map[string]int),
	}
	for _, c := range cfg.Clients {
		if err := checkClient(c); err != nil {
			return nil, fmt.Errorf("setting up the sandbox: %w", err)
		}
		if s.clients[c.ID] != nil {
			return nil, fmt.Errorf("setting up the sandbox: client %q stands twice", c.ID)
		}
		if c.Kind == CustomConnection && c.Organisation == "" && len(cfg.Organisations) > 0 {
			c.Organisation = cfg.Organisations[0].TenantID
		}
		s.clients[c.ID] = &client{Client: c, usage: make(map[string]*usage)}
		s.keepSecret(c.Secret)
	}
	s.routes = s.endpoints()
	return s, nil
}

// endpoint is one address: the method it takes and what answers, which runs under the lock.
type endpoint struct {
	method string
	serve  func(*call) reply
}

func (s *Sandbox) endpoints() map[string]endpoint {
	return map[string]endpoint{
		"/":                                      {http.MethodGet, s.serveHome},
		"/identity/connect/authorize":            {http.MethodGet, s.serveAuthorize},
		"/identity/consent":                      {http.MethodPost, s.serveConsent},
		"/connect/token":                         {http.MethodPost, s.serveToken},
		"/connect/revocation":                    {http.MethodPost, s.serveRevocation},
		"/.well-known/openid-configuration/jwks": {http.MethodGet, s.serveKeys},
		"/connections":                           {http.MethodGet, s.serveConnections},
		"/api.xro/2.0/Organisation":              {http.MethodGet, s.serveOrganisation},
		"/api.xro/2.0/Contacts":                  {http.MethodGet, s.serveContacts},
		"/api.xro/2.0/Invoices":                  {http.MethodGet, s.serveInvoices},
		"/sandbox/fault":                         {http.MethodPost, s.adminFault},
		"/sandbox/faults/clear":                  {http.MethodPost, s.adminClearFaults},
		"/sandbox/clock":                         {http.MethodPost, s.adminClock},
		"/sandbox/organisations":                 {http.MethodPost, s.adminOrganisations},
		"/sandbox/settings":                      {http.MethodPost, s.adminSettings},
		"/sandbox/requests":                      {http.MethodGet, s.adminRequests},
	}
}

// call is one request with its body read.
type call struct {
	r             *http.Request
	body          []byte
	form          url.Values // of a form body; never of the address, where secrets must not stand
	badForm       bool       // the body says that it is a form and is none
	now           time.Time
	authority     string
	clientID      string // as soon as it is known, for the record
	grantType     string
	withoutRotate bool // FaultNoRefreshToken
}

// ServeHTTP answers one request, or fails it as the matching Fault says.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{r: r}
	out, refused := c.receive()
	if strings.HasPrefix(r.URL.Path, "/sandbox/") {
		// Not recorded and never failed: otherwise a fault could lock its author out.
		if !refused {
			out = s.process(c)
		}
		s.date(out)
		send(w, out)
		return
	}
	fault := s.arrived(c)
	if !refused {
		out = s.perform(c, fault)
	}
	s.record(c, out, fault)
	s.date(out)
	s.deliver(w, r, out, fault)
}

// receive refuses what no address takes, and reads the rest.
func (c *call) receive() (reply, bool) {
	if !loopbackHost(c.r.Host) {
		// A web page can make its own name resolve to 127.0.0.1; its name still stands in Host.
		return textReply(http.StatusMisdirectedRequest, "the sandbox answers to loopback names only"), true
	}
	body, err := io.ReadAll(io.LimitReader(c.r.Body, maxBody+1))
	if err != nil {
		return textReply(http.StatusBadRequest, "the request body ended early"), true
	}
	if len(body) > maxBody {
		return textReply(http.StatusRequestEntityTooLarge, "the request body is larger than 1 MiB"), true
	}
	c.body = body
	if mediaType, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type")); mediaType == "application/x-www-form-urlencoded" {
		c.form, err = url.ParseQuery(string(body))
		c.badForm = err != nil
		c.grantType = c.form.Get("grant_type")
	}
	return reply{}, false
}

// process gives the answer of a sandbox without faults.
func (s *Sandbox) process(c *call) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.now = s.now()
	c.authority = s.authority
	if c.authority == "" {
		c.authority = "http://" + c.r.Host
	}
	return s.route(c)
}

func (s *Sandbox) route(c *call) reply {
	path := c.r.URL.Path
	e, known := s.routes[path]
	if id, isChild := strings.CutPrefix(path, "/connections/"); isChild && id != "" {
		e, known = endpoint{http.MethodDelete, s.serveDisconnect}, true
	}
	switch {
	case !known:
		return textReply(http.StatusNotFound, "the sandbox has nothing here; / lists what it has")
	case c.r.Method != e.method:
		out := textReply(http.StatusMethodNotAllowed, "use "+e.method)
		out.header.Set("Allow", e.method)
		return out
	}
	return e.serve(c)
}

// now is the sandbox's clock; the lock must be held.
func (s *Sandbox) now() time.Time { return s.cfg.Now().Add(s.offset) }

// date makes the reply's date follow the sandbox's clock, as everything in its tokens does: clients measure skew by it.
func (s *Sandbox) date(out reply) {
	if out.header == nil {
		return // none will be sent
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out.header.Set("Date", s.now().UTC().Format(http.TimeFormat))
}

// reply is an answer not yet sent, so that a fault can still spoil it.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func newReply(status int, contentType string, body []byte) reply {
	h := http.Header{}
	h.Set("Cache-Control", "no-store")
	h.Set("Xero-Correlation-Id", uuid())
	if contentType != "" {
		h.Set("Content-Type", contentType)
		h.Set("X-Content-Type-Options", "nosniff")
	}
	return reply{status: status, header: h, body: body}
}

func jsonReply(status int, v any) reply {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return textReply(http.StatusInternalServerError, "the sandbox could not write its answer")
	}
	return newReply(status, "application/json; charset=utf-8", bytes.TrimSpace(b.Bytes()))
}

func textReply(status int, text string) reply {
	return newReply(status, "text/plain; charset=utf-8", []byte(text+"\n"))
}

// loopbackHost reports whether a Host header names this machine's loopback.
func loopbackHost(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	} else {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
