package cli

import (
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func newVersionCmd(a *App) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Long:    "Prints the version, the commit it was built from and its date, the version of\nGo, and the platform.",
		Example: "  xeroauth version --json",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			platform := runtime.GOOS + "/" + runtime.GOARCH
			if a.flags.json {
				return a.printJSON(struct {
					Version  string `json:"version"`
					Commit   string `json:"commit"`
					Date     string `json:"date"`
					Go       string `json:"go"`
					Platform string `json:"platform"`
				}{a.Build.Version, a.Build.Commit, a.Build.Date, runtime.Version(), platform})
			}
			about := []string{"commit " + firstOf(a.Build.Commit, "unknown"), a.Build.Date, runtime.Version(), platform}
			about = slices.DeleteFunc(about, func(s string) bool { return s == "" })
			a.print("xeroauth %s (%s)\n", a.Build.Version, strings.Join(about, ", "))
			return nil
		},
	}
}
