package cli

import (
	"runtime"
	"slices"
	"testing"

	"github.com/xeroauth/xeroauth/internal/shellenv"
)

// Secrets of ours do not reach a child, in whatever case Windows has them; what
// is set stands there once; all else stays as it is and in its order.
func TestChildEnvironment(t *testing.T) {
	environ := []string{
		"PATH=/bin", "XERO_CLIENT_SECRET=s1", "=C:=C:\\", "EMPTY=", "XEROAUTH_FILE_KEY=s2", "XEROAUTH_FILE_KEY_FILE=/key", "XEROAUTH_SESSION=s3", "XEROAUTH_WRITEBACK=s4",
		"XERO_ACCESS_TOKEN=old", "XERO_CLIENT_SECRET=s5", "MINE=a=b", "XERO_CLIENT_ID=id", "XERO_ACCESS_TOKEN=older", "Xero_Client_Secret=s6", "xero_access_token=oldest",
	}
	vars := []shellenv.Var{{Name: "XERO_ACCESS_TOKEN", Value: "new"}, {Name: "XERO_TENANT_ID", Value: ""}}
	others := []string{"Xero_Client_Secret=s6", "xero_access_token=oldest"}
	if runtime.GOOS == "windows" {
		others = nil // there these are the same variables
	}
	a, _ := desk(environ...)
	want := slices.Concat([]string{"PATH=/bin", "=C:=C:\\", "EMPTY=", "XEROAUTH_FILE_KEY_FILE=/key", "MINE=a=b", "XERO_CLIENT_ID=id"}, others,
		[]string{"XERO_ACCESS_TOKEN=new", "XERO_TENANT_ID="})
	if got := withVariables(a.environWithoutSecrets(), vars); !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	kept := a.environWithoutSecrets("XEROAUTH_SESSION", "XEROAUTH_FILE_KEY")
	if !slices.Contains(kept, "XEROAUTH_SESSION=s3") || !slices.Contains(kept, "XEROAUTH_FILE_KEY=s2") ||
		slices.Contains(kept, "XEROAUTH_WRITEBACK=s4") || slices.Contains(kept, "XERO_CLIENT_SECRET=s1") {
		t.Errorf("kept: %q", kept)
	}
}
