package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"github.com/xeroauth/xeroauth/internal/atomicfile"
	"github.com/xeroauth/xeroauth/internal/store/file"
	"github.com/xeroauth/xeroauth/internal/term"
)

// prepareStore offers to make a key when the file store is chosen and there is
// none. Nobody there to answer leaves it to the store to say what is missing.
func (a *App) prepareStore(ctx context.Context, name string) error {
	if name != file.Name || a.env(envFileKey) != "" || a.env(envFileKeyFile) != "" || a.madeKey != "" || !a.mayAsk() {
		return nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return fmt.Errorf("finding a place for a key: %w", err)
	}
	path := filepath.Join(home, ".xeroauth-key.txt")
	a.say("the store \"file\" needs a key, and neither %s nor %s is set", envFileKey, envFileKeyFile)
	answer, err := term.Ask(ctx, a.Stdin, a.Stderr, fmt.Sprintf("%smake one in this file (n for no) [%s]: ", prefix, path))
	if err != nil {
		return err
	}
	switch answer = strings.TrimSpace(answer); {
	case strings.EqualFold(answer, "n"), strings.EqualFold(answer, "no"):
		return nil
	case answer != "" && !strings.EqualFold(answer, "y") && !strings.EqualFold(answer, "yes"):
		path = answer
	}
	return a.makeKey(path)
}

// makeKey writes a new age identity to path, which must not exist, and uses it
// from here on.
func (a *App) makeKey(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return usagef(fmt.Sprintf("if it is an age key: export %s=%s", envFileKeyFile, path), "%s is there already, and is left as it is", path)
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	text := fmt.Sprintf("# the key of xeroauth's file store\n# public key: %s\n%s\n", key.Recipient(), key)
	if err := atomicfile.Write(path, []byte(text)); err != nil {
		return fmt.Errorf("writing the key: %w", err)
	}
	a.madeKey = path
	a.say("the key is in %s; keep it, and put this in your shell's start file:", path)
	fmt.Fprintf(a.Stderr, "\n  export %s=%q\n\n", envFileKeyFile, path)
	return nil
}
