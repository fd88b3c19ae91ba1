package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/xeroauth/xeroauth/internal/xero"
)

// renewSoon is when a refresh token that nobody uses is worth a word.
const renewSoon = 7 * 24 * time.Hour

func (v *visit) checkRenewal(context.Context) finding {
	if v.custom() {
		return ok("with id and secret, at any time")
	}
	r := v.record
	if r.RefreshToken.IsZero() {
		return fail(v.Cmd("login"), "Xero gave no refresh token: the session ends on %s", day(r.Expiry))
	}
	left := r.RefreshExpiry().Sub(v.Now())
	if left < renewSoon {
		return warn(v.Cmd("refresh"), "the refresh token dies on %s if it is not used", day(r.RefreshExpiry()))
	}
	return ok("the refresh token is good until %s", day(r.RefreshExpiry()))
}

// checkToken reads the access token, and stops the checks that need a live one
// when it is none: a doctor does not renew.
func (v *visit) checkToken(context.Context) finding {
	if v.custom() {
		claims := xero.ClaimsOf(v.token)
		v.granted = firstList(claims.Scopes, v.granted)
		return ok("a custom connection's, asked for just now; %s", v.grantedWords())
	}
	r := v.record
	now := v.Now()
	if !now.Before(r.Expiry) || r.ObtainedAt.After(now) {
		f := warn(v.Cmd("refresh"), "it has expired, as it does after 30 minutes; the doctor renews nothing")
		f.stops = true
		return f
	}
	claims := xero.ClaimsOf(r.AccessToken)
	v.token, v.granted = r.AccessToken, firstList(claims.Scopes, r.Scopes)
	age := now.Sub(r.ObtainedAt).Round(time.Minute)
	left := r.Expiry.Sub(now).Round(time.Minute)
	seen := "a user's"
	if claims.UserID == "" {
		seen = "of a form that tells nothing"
	}
	seen += ", " + minutes(age) + " old, " + minutes(left) + " left; " + v.grantedWords()
	var missing []string
	for _, s := range v.Profile.Scopes {
		if !slices.Contains(v.granted, s) {
			missing = append(missing, s)
		}
	}
	if len(missing) > 0 {
		return warn(v.Cmd("login"), "%s; asked for but not granted: %s", seen, strings.Join(missing, " "))
	}
	return ok("%s", seen)
}

// grantedWords says how many scopes the token has.
func (v *visit) grantedWords() string {
	if len(v.granted) == 0 {
		return "it names no scopes"
	}
	return fmt.Sprintf("%d scopes granted", len(v.granted))
}

func minutes(d time.Duration) string {
	if d == time.Minute {
		return "1 minute"
	}
	return fmt.Sprintf("%d minutes", int(d/time.Minute))
}

func firstList(lists ...[]string) []string {
	for _, l := range lists {
		if len(l) > 0 {
			return l
		}
	}
	return nil
}
