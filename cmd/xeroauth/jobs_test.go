package main

import (
	"fmt"
	"strings"
	"testing"
)

// jobSecret is where the scripts' jobs have their session.
const jobSecret = "repos/octo/books/environments/xero/secrets/XEROAUTH_SESSION"

// TestTwentyJobs runs twenty jobs in a row, 31 minutes apart, against a server
// that ends a session whose refresh token it sees twice. Each has the secret's
// value of that time and an empty runner, and nothing else of the one before.
func TestTwentyJobs(t *testing.T) {
	var script strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&script, format+"\n", args...) }
	line(`github serve
exec xeroauth login --authority $SANDBOX --client-id $CLIENT --redirect-uri $REDIRECT
exec xeroauth seed github --repo octo/books --env xero
sandbox settings '{"strict":true}'
env HOME=
env XEROAUTH_WRITEBACK=github:octo/books:xero:XEROAUTH_SESSION`)
	const renewedBySeed = 1 // the laptop's own session
	for job := 1; job <= 20; job++ {
		line("github value XEROAUTH_SESSION %s", jobSecret)
		line("mkdir runner%d", job)
		line("env RUNNER_TEMP=$WORK/runner%d", job)
		line("clock %dm", 31*job)
		// Two steps: the second finds what the first left.
		for range 2 {
			line("exec xeroauth header --api")
			line(`stdout '\AAuthorization: Bearer \S+\nXero-Tenant-Id: \S+\nAccept: application/json\n\z'`)
			line("! stderr .")
			line("sandbox count refresh_token %d", renewedBySeed+job)
			line("github writes %s %d", jobSecret, 1+2*job) // the session as it stands, then the renewed one
		}
	}
	line("github names %s", jobSecret)
	runScript(t, script.String())
}
