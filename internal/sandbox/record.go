package sandbox

import (
	"maps"
	"slices"
	"time"
)

// Request is the record of one handled request. It holds no secrets: of the form only the grant type.
type Request struct {
	Time      time.Time `json:"time"` // by the sandbox's clock
	Method    string    `json:"method"`
	Path      string    `json:"path"`
	GrantType string    `json:"grant_type,omitempty"`
	ClientID  string    `json:"client_id,omitempty"` // of a known client
	Status    int       `json:"status"`              // 0 when the connection was broken instead
	Fault     string    `json:"fault,omitempty"`     // the FaultKind that struck
}

// minSeenSecret is the length below which something a caller sent as a secret is a typing mistake, and too short to
// search for in other text.
const minSeenSecret = 16

// arrived counts a request and picks its fault.
func (s *Sandbox) arrived(c *call) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := c.r.URL.Path
	if _, known := s.pathCounts[path]; known || len(s.pathCounts) < keepPaths {
		s.pathCounts[path]++
	}
	if path == "/connect/token" {
		if _, known := s.grantCounts[c.grantType]; known || len(s.grantCounts) < keepPaths {
			s.grantCounts[c.grantType]++
		}
	}
	return s.takeFault(c)
}

// record keeps what happened, before the client can know it.
func (s *Sandbox) record(c *call, out reply, f Fault) {
	s.mu.Lock()
	r := Request{
		Time: s.now(), Method: c.r.Method, Path: c.r.URL.Path, ClientID: c.clientID, Status: out.status, Fault: string(f.Kind),
	}
	if c.r.URL.Path == "/connect/token" {
		r.GrantType = c.grantType
	}
	if len(s.requests) >= 2*keepRequests {
		s.requests = slices.Clone(s.newestRequests())
	}
	s.requests = append(s.requests, r)
	s.mu.Unlock()
	if s.cfg.Log != nil {
		s.cfg.Log(r)
	}
}

func (s *Sandbox) newestRequests() []Request {
	return s.requests[max(0, len(s.requests)-keepRequests):]
}

// Requests gives the newest 10,000 handled requests, oldest first, without those to /sandbox/. A request stands here
// once it is processed, before its answer is sent.
func (s *Sandbox) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.newestRequests())
}

// Count is how many requests arrived for exactly this path, also those that a fault broke.
func (s *Sandbox) Count(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pathCounts[path]
}

// CountGrant is how many token requests arrived with this grant_type, whatever the answer.
func (s *Sandbox) CountGrant(grantType string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.grantCounts[grantType]
}

// Secrets gives, in no order, every access token, id token, refresh token, code, client secret and code verifier that
// the sandbox issued, was configured with or was sent (16 characters and more), for tests that look for leaks. Beyond
// 100,000 the oldest are forgotten.
func (s *Sandbox) Secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.issuedOrSeen.items))
}

func (s *Sandbox) keepSecret(text string) {
	if text != "" {
		s.issuedOrSeen.put(text, struct{}{})
	}
}

func (s *Sandbox) keepSeen(text string) {
	if len(text) >= minSeenSecret {
		s.keepSecret(text)
	}
}
