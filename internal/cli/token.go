package cli

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

type tokenOptions struct {
	need        tokenNeed
	withRefresh bool
}

// tokenView is a token reply in OAuth's names (RFC 6749 section 5.1), as
// xero-node's setTokenSet takes it. Its field names are promised.
type tokenView struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
	ExpiresAt    int64  `json:"expires_at"`
	ExpiresIn    int64  `json:"expires_in"`
	TokenType    string `json:"token_type"`
	Scope        string `json:"scope"`
}

func newTokenCmd(a *App) *cobra.Command {
	var o tokenOptions
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Print the bare access token",
		Long: `Prints the access token on one line, refreshing the session first if the token
would not live for --min-ttl. With --json it prints a token set in OAuth's names.`,
		Example: `  TOKEN=$(xeroauth token)
  xeroauth token --json --min-ttl 10m`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runToken(cmd.Context(), a, o) },
	}
	o.need.addFlags(cmd)
	cmd.Flags().BoolVar(&o.withRefresh, "with-refresh-token", false, "with --json: add the refresh token")
	return cmd
}

func runToken(ctx context.Context, a *App, o tokenOptions) error {
	if o.withRefresh && !a.flags.json {
		return usagef("run: "+a.cmd("token --json --with-refresh-token"), "--with-refresh-token needs --json")
	}
	g, err := a.grant(ctx, o.need)
	if err != nil {
		return err
	}
	if !a.flags.json {
		a.print("%s\n", g.record.AccessToken.Reveal())
		return nil
	}
	v := tokenView{
		AccessToken: g.record.AccessToken.Reveal(), ExpiresAt: g.record.Expiry.Unix(),
		ExpiresIn: int64(g.record.Expiry.Sub(a.Now()) / time.Second), TokenType: "Bearer", Scope: strings.Join(g.record.Scopes, " "),
	}
	if o.withRefresh {
		if g.record.RefreshToken.IsZero() {
			return errors.New("this session has no refresh token")
		}
		v.RefreshToken = g.record.RefreshToken.Reveal()
		a.warn("whoever refreshes first cuts off the other: hand out this refresh token, and do not refresh here as well")
	}
	return a.printJSON(v)
}
