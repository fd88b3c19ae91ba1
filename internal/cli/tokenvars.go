package cli

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/xeroauth/xeroauth/internal/shellenv"
)

// tokenVariables are what exec and export hand out.
func (a *App) tokenVariables(ctx context.Context, need tokenNeed, tenant string) ([]shellenv.Var, error) {
	g, err := a.grant(ctx, need)
	if err != nil {
		return nil, err
	}
	id, err := a.chooseTenant(ctx, g, tenant)
	if err != nil {
		return nil, err
	}
	token := g.record.AccessToken.Reveal()
	return []shellenv.Var{
		{Name: "XERO_ACCESS_TOKEN", Value: token},
		{Name: "XERO_CLIENT_BEARER_TOKEN", Value: token},
		{Name: "XERO_TOKEN_EXPIRES_AT", Value: strconv.FormatInt(g.record.Expiry.Unix(), 10)},
		{Name: "XERO_TENANT_ID", Value: id},
	}, nil
}

// withVariables sets vars in an environment, in the place of any that have
// their names.
func withVariables(environ []string, vars []shellenv.Var) []string {
	var out []string
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		if !slices.ContainsFunc(vars, func(v shellenv.Var) bool { return sameVariable(name, v.Name) }) {
			out = append(out, kv)
		}
	}
	for _, v := range vars {
		out = append(out, v.Name+"="+v.Value)
	}
	return out
}
