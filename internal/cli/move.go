package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/xeroauth/xeroauth/internal/store"
)

func newProfilesMoveCmd(a *App) *cobra.Command {
	return &cobra.Command{
		Use: "move [NAME] --store STORE", Short: "Move a profile's session to another store",
		Long: `Copies the session and the client secret to the other store, reads the copies
back, notes the new store in the profile, and only then removes the originals.
If anything fails, the session stays where it was.`,
		Example: "  xeroauth profiles move acme --store file", Args: atMostOneArg("a profile's name"),
		RunE: func(cmd *cobra.Command, args []string) error { return runProfilesMove(cmd.Context(), a, args) },
	}
}

func runProfilesMove(ctx context.Context, a *App, args []string) error {
	if a.flags.store == "" {
		return usagef("for example: xeroauth profiles move --store file", "profiles move needs --store: where to move the session to")
	}
	dir, p, err := a.namedProfile(args)
	if err != nil {
		return err
	}
	from, err := a.openStore(p.Store, dir)
	if err != nil {
		return err
	}
	to, err := a.openStore(a.flags.store, dir)
	if err != nil {
		return err
	}
	moved := false
	if from.Name() != to.Name() {
		if err := a.prepareStore(ctx, to.Name()); err != nil {
			return err
		}
		account := a.account(dir, p.Name)
		moved, err = store.Move(ctx, from, to, account, []string{secretAccount(account), account}, func() error {
			now, err := dir.Load(p.Name)
			if err == nil && now.Store != from.Name() {
				err = store.ErrReplaced // another move was faster
			}
			if err != nil {
				return err
			}
			now.Store, p.Store = to.Name(), to.Name()
			return dir.Save(now)
		})
		if err != nil {
			return err
		}
	}
	if moved {
		a.say("the session of profile %q is now in the store %q", p.Name, p.Store)
	} else {
		a.say("profile %q keeps its session in the store %q", p.Name, p.Store)
	}
	if a.flags.json {
		return a.printJSON(struct {
			Profile string `json:"profile"`
			Store   string `json:"store"`
			Moved   bool   `json:"moved"`
		}{p.Name, p.Store, moved})
	}
	return nil
}
