package cli

import (
	"testing"

	"github.com/spf13/cobra"
)

// Long says what happens and what is stored, of every command.
func TestEveryCommandHasLong(t *testing.T) {
	walk(testRoot(), func(c *cobra.Command) {
		if viewHelp(c).Long == "" {
			t.Errorf("%s has no Long", c.CommandPath())
		}
	})
}
