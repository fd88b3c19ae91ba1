package cli

import (
	"runtime"
	"slices"
	"strings"
)

// The variables that the program reads. The first three are names that Xero's
// own tools read.
const (
	envClientID     = "XERO_CLIENT_ID"
	envClientSecret = "XERO_CLIENT_SECRET"
	envScopes       = "XERO_SCOPES"
	envProfile      = "XEROAUTH_PROFILE"
	envTenant       = "XEROAUTH_TENANT"
	envStore        = "XEROAUTH_STORE"
	envConfigDir    = "XEROAUTH_CONFIG_DIR"
	envFileKey      = "XEROAUTH_FILE_KEY"
	envFileKeyFile  = "XEROAUTH_FILE_KEY_FILE"
	envCustom       = "XEROAUTH_CUSTOM_CONNECTION"
	envSession      = "XEROAUTH_SESSION"
	envWriteback    = "XEROAUTH_WRITEBACK"
	envGitHubEnv    = "GITHUB_ENV"
)

// sameVariable reports whether two names are one variable: Windows does not
// tell them apart by case, and a secret must not get past in another.
func sameVariable(a, b string) bool {
	return a == b || runtime.GOOS == "windows" && strings.EqualFold(a, b)
}

// env returns a variable's value; an empty one counts as unset.
func (a *App) env(name string) string {
	for i := len(a.Environ) - 1; i >= 0; i-- {
		if k, v, ok := strings.Cut(a.Environ[i], "="); ok && sameVariable(k, name) {
			return v
		}
	}
	return ""
}

// secretVariables are those that children have no business with.
func secretVariables() []string {
	return []string{envClientSecret, envFileKey, envSession, envWriteback}
}

func isSecretVariable(name string) bool {
	return slices.ContainsFunc(secretVariables(), func(secret string) bool { return sameVariable(name, secret) })
}

// environWithoutSecrets is the environment for programs that we start; keep
// names secrets that may stay.
func (a *App) environWithoutSecrets(keep ...string) []string {
	var out []string
	for _, kv := range a.Environ {
		name, _, _ := strings.Cut(kv, "=")
		kept := slices.ContainsFunc(keep, func(k string) bool { return sameVariable(name, k) })
		if kept || !isSecretVariable(name) {
			out = append(out, kv)
		}
	}
	return out
}
