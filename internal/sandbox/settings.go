package sandbox

import (
	"net/http"
	"time"
)

// adminSettings changes consent and lifetimes of what is issued from now on. What the body leaves out stays.
func (s *Sandbox) adminSettings(c *call) reply {
	var in struct {
		AutoConsent     *bool  `json:"auto_consent"`
		Strict          *bool  `json:"strict"`
		CodeLifetime    string `json:"code_lifetime"`
		AccessLifetime  string `json:"access_lifetime"`
		RefreshLifetime string `json:"refresh_lifetime"`
		Grace           string `json:"grace"`
	}
	if refusal, ok := c.readJSON(&in); !ok {
		return refusal
	}
	cfg := s.cfg
	for _, l := range []struct {
		text string
		into *time.Duration
	}{
		{in.CodeLifetime, &cfg.CodeLifetime}, {in.AccessLifetime, &cfg.AccessLifetime},
		{in.RefreshLifetime, &cfg.RefreshLifetime}, {in.Grace, &cfg.Grace},
	} {
		if l.text == "" {
			continue
		}
		d, err := time.ParseDuration(l.text)
		if err != nil || d <= 0 {
			return adminError(http.StatusBadRequest, "a lifetime is not a duration such as 30m")
		}
		*l.into = d
	}
	if in.AutoConsent != nil {
		cfg.AutoConsent = *in.AutoConsent
	}
	if in.Strict != nil {
		cfg.Strict = *in.Strict
	}
	s.cfg = cfg
	return newReply(http.StatusNoContent, "", nil)
}
