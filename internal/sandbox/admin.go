package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"time"
)

// The addresses under /sandbox/ let people's own tests drive a sandbox that runs as a program.

// faultJSON is Fault on the wire.
type faultJSON struct {
	Path        string    `json:"path"`
	GrantType   string    `json:"grant_type"`
	Kind        FaultKind `json:"kind"`
	Status      int       `json:"status"`
	RetryAfter  string    `json:"retry_after"`
	Delay       string    `json:"delay"` // a Go duration
	Body        string    `json:"body"`
	ContentType string    `json:"content_type"`
	Times       int       `json:"times"`
}

var faultKinds = []FaultKind{
	FaultStatus, FaultResetBefore, FaultResetAfter, FaultDelay, FaultHang, FaultTruncate, FaultHTML, FaultEmpty, FaultBody, FaultErrorPage,
	FaultNoRefreshToken,
}

func (s *Sandbox) adminFault(c *call) reply {
	var in faultJSON
	if refusal, ok := c.readJSON(&in); !ok {
		return refusal
	}
	delay, err := parseDuration(in.Delay)
	switch {
	case in.Path == "":
		return adminError(http.StatusBadRequest, "path is missing")
	case !slices.Contains(faultKinds, in.Kind):
		return adminError(http.StatusBadRequest, "kind is none of the known kinds")
	case err != nil || delay < 0:
		return adminError(http.StatusBadRequest, "delay is not a duration such as 2s")
	case in.Status != 0 && (in.Status < 200 || in.Status > 599):
		return adminError(http.StatusBadRequest, "status must be from 200 to 599")
	case in.Times < 0:
		return adminError(http.StatusBadRequest, "times must not be negative")
	}
	s.faults = append(s.faults, &Fault{
		Path: in.Path, GrantType: in.GrantType, Kind: in.Kind, Status: in.Status, RetryAfter: in.RetryAfter, Delay: delay,
		Body: in.Body, ContentType: in.ContentType, Times: in.Times,
	})
	return newReply(http.StatusNoContent, "", nil)
}

func (s *Sandbox) adminClearFaults(c *call) reply {
	if refusal, ok := c.readJSON(nil); !ok {
		return refusal
	}
	s.faults = nil
	return newReply(http.StatusNoContent, "", nil)
}

func (s *Sandbox) adminClock(c *call) reply {
	var in struct {
		Advance string `json:"advance"`
	}
	if refusal, ok := c.readJSON(&in); !ok {
		return refusal
	}
	advance, err := time.ParseDuration(in.Advance)
	if err != nil {
		return adminError(http.StatusBadRequest, "advance is not a duration such as 1h")
	}
	s.offset += advance
	return jsonReply(http.StatusOK, map[string]string{"now": s.now().UTC().Format(time.RFC3339)})
}

func (s *Sandbox) adminOrganisations(c *call) reply {
	var in []Organisation
	if refusal, ok := c.readJSON(&in); !ok {
		return refusal
	}
	if err := checkOrganisations(in); err != nil {
		return adminError(http.StatusBadRequest, err.Error())
	}
	s.setOrganisations(in)
	return newReply(http.StatusNoContent, "", nil)
}

func (s *Sandbox) adminRequests(*call) reply {
	return jsonReply(http.StatusOK, append([]Request{}, s.newestRequests()...))
}

// readJSON insists on a JSON content type, which a web page cannot send to another origin without asking first, and the
// sandbox answers no such question. With a nil target any body will do.
func (c *call) readJSON(into any) (reply, bool) {
	mediaType, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if mediaType != "application/json" {
		return adminError(http.StatusUnsupportedMediaType, "send Content-Type: application/json"), false
	}
	if into == nil {
		return reply{}, true
	}
	d := json.NewDecoder(bytes.NewReader(c.body))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil && !errors.Is(d.Decode(&struct{}{}), io.EOF) {
		err = errors.New("there is more than one value")
	}
	if err != nil {
		return adminError(http.StatusBadRequest, "reading the JSON: "+err.Error()), false
	}
	return reply{}, true
}

func adminError(status int, message string) reply {
	return jsonReply(status, map[string]string{"error": message})
}

func parseDuration(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	return time.ParseDuration(text)
}
