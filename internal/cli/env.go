package cli

import "strings"

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
)

// env returns a variable's value; an empty one counts as unset.
func (a *App) env(name string) string {
	for i := len(a.Environ) - 1; i >= 0; i-- {
		if k, v, ok := strings.Cut(a.Environ[i], "="); ok && k == name {
			return v
		}
	}
	return ""
}

// isSecretVariable reports a variable that children have no business with.
func isSecretVariable(name string) bool {
	switch name {
	case envClientSecret, envFileKey, envSession, envWriteback:
		return true
	}
	return false
}

// environWithoutSecrets is the environment for programs that we start.
func (a *App) environWithoutSecrets() []string {
	var out []string
	for _, kv := range a.Environ {
		if name, _, _ := strings.Cut(kv, "="); !isSecretVariable(name) {
			out = append(out, kv)
		}
	}
	return out
}
