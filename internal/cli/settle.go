package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/xeroauth/xeroauth/internal/login"
	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/term"
	"github.com/xeroauth/xeroauth/internal/xero"
)

// settlement is what a login found out about tenants, after the session was
// saved: none of it can make the login fail any more.
type settlement struct {
	user    store.User
	tenants []tenantView
	// err is why there is no list.
	err error
	// wanted is a --tenant that is not connected.
	wanted string
}

// settle keeps the list of tenants and chooses the default one, as far as no
// person has to be asked.
func (a *App) settle(ctx context.Context, plan *loginPlan, wanted string, t login.Tokens, list []xero.Connection, err error) settlement {
	s := settlement{user: newRecord(plan.profile, t).User, err: err}
	if err != nil {
		if plan.otherOwner {
			a.forgetTenants(ctx, plan)
		}
		return s
	}
	tenants := fromConnections(list)
	if err := plan.dir.SaveTenants(plan.profile.Name, tenants); err != nil {
		a.warn("keeping the list of tenants: %v", err)
	}
	event := t.Claims.AuthenticationEventID
	chosen := chooseDefault(tenants, plan.profile.Tenant, event)
	if wanted != "" {
		found, err := profile.FindTenant(tenants, wanted, term.Strip)
		if err != nil {
			s.wanted = wanted
		} else {
			chosen = found.ID
		}
	}
	if err := a.setTenant(ctx, &plan.target, chosen); err != nil {
		a.warn("keeping the default tenant: %v", err)
	}
	s.tenants = viewTenants(tenants, plan.profile.Tenant, event)
	return s
}

// forgetTenants drops the list and the default that another user's or app's
// session left behind.
func (a *App) forgetTenants(ctx context.Context, plan *loginPlan) {
	if err := errors.Join(plan.dir.RemoveTenants(plan.profile.Name), a.setTenant(ctx, &plan.target, "")); err != nil {
		a.warn("forgetting the former user's tenants: %v", err)
	}
}

// chooseDefault keeps the present default if it is still connected, else takes
// the only tenant, else the only one connected just now, else none.
func chooseDefault(tenants []profile.Tenant, present, event string) string {
	if slices.ContainsFunc(tenants, func(t profile.Tenant) bool { return t.ID == present }) {
		return present
	}
	if len(tenants) == 1 {
		return tenants[0].ID
	}
	var now []string
	for _, t := range tenants {
		if event != "" && t.AuthEventID == event {
			now = append(now, t.ID)
		}
	}
	if len(now) == 1 {
		return now[0]
	}
	return ""
}

// settleDefault ends the matter of the default tenant: a --tenant that is not
// there is an error, and a person may choose.
func (a *App) settleDefault(ctx context.Context, plan *loginPlan, s *settlement) error {
	if s.wanted != "" {
		return &advised{exit: exitTenant, hint: "you are logged in; see what is connected: " + a.cmd("tenants"),
			err: fmt.Errorf("--tenant %q: %w", s.wanted, profile.ErrNoTenant)}
	}
	if len(s.tenants) < 2 || plan.profile.Tenant != "" && !plan.askTenant || !a.mayAsk() {
		return nil
	}
	enter := "none"
	for i, t := range s.tenants {
		fmt.Fprintf(a.Stderr, "  %d  %s\n", i+1, t.shown())
		if t.Default {
			enter = strconv.Itoa(i + 1)
		}
	}
	answer, err := term.Ask(ctx, a.Stdin, a.Stderr, prefix+"number of the default tenant (Enter for "+enter+"): ")
	if errors.Is(err, term.ErrNoAnswer) || answer == "" && err == nil {
		return nil
	}
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(strings.TrimSpace(answer))
	if err != nil || n < 1 || n > len(s.tenants) {
		a.warn("%q is none of the numbers: the default tenant is %s", answer, enter)
		return nil
	}
	for i := range s.tenants {
		s.tenants[i].Default = i == n-1
	}
	return a.setTenant(ctx, &plan.target, s.tenants[n-1].ID)
}

func (a *App) tellTenants(s settlement) {
	if s.err != nil {
		a.warn("you are logged in, but the tenants could not be listed: %v", s.err)
		a.hint("list them later: %s", a.cmd("tenants"))
		return
	}
	if len(s.tenants) == 0 {
		a.say("no organisation is connected to the app yet")
		a.hint("to connect one, log in again and choose it: %s", a.cmd("login"))
		return
	}
	for _, t := range s.tenants {
		a.say("tenant: %s", t.shown())
	}
	if slices.ContainsFunc(s.tenants, func(t tenantView) bool { return t.Default }) {
		a.hint("try: %s | curl -fsS -H @- https://api.xero.com/api.xro/2.0/Organisation", a.cmd("header --api"))
	} else {
		a.hint("choose a default tenant: %s", a.cmd("tenants use NAME-or-ID"))
	}
}
