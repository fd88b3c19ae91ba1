// Package doctor finds what is wrong with a set-up. Its checks have ids that
// never change; each says what it saw and, unless all is well, one thing to
// type. It promises that nothing is rotated, nobody is asked and no browser
// opens, and that what it says holds no secret: it never calls Reveal, its
// results are plain words, and it names no person and no organisation.
//
// What only the desk can do is handed to it as functions.
package doctor

import (
	"context"
	"fmt"
	"strings"

	"github.com/xeroauth/xeroauth/internal/term"
)

// Outcome is how a check ended.
type Outcome string

// The outcomes.
const (
	OK   Outcome = "ok"
	Warn Outcome = "warn"
	Fail Outcome = "fail"
	// Skipped: a check that this one needs did not succeed.
	Skipped Outcome = "skipped"
)

// Result is what one check found.
type Result struct {
	ID      string
	Outcome Outcome
	// Seen is what was seen; empty if the check was skipped.
	Seen string
	// Fix is one line to type or to do; empty if there is nothing to mend.
	Fix string
	// Because is the check on account of which this one was skipped.
	Because string
}

// check is one of the checks: what it is called, which checks it cannot do
// without, and what it does.
type check struct {
	id    string
	needs []string
	run   func(v *visit, ctx context.Context) finding
}

// finding is a check's own word. Stops says that checks which need this one
// cannot be made although it did not fail.
type finding struct {
	outcome   Outcome
	seen, fix string
	stops     bool
}

func ok(format string, args ...any) finding {
	return finding{outcome: OK, seen: fmt.Sprintf(format, args...)}
}

func warn(fix, format string, args ...any) finding {
	return finding{outcome: Warn, fix: fix, seen: fmt.Sprintf(format, args...)}
}

func fail(fix, format string, args ...any) finding {
	return finding{outcome: Fail, fix: fix, seen: fmt.Sprintf(format, args...)}
}

// Run makes all checks, in their order. Its error is the cause that ended ctx.
func Run(ctx context.Context, s Setup) ([]Result, error) {
	return run(ctx, &visit{Setup: s}, checks(s))
}

func run(ctx context.Context, v *visit, list []check) ([]Result, error) {
	stopped := map[string]string{} // by id: the check on account of which it stops others
	var results []Result
	for _, c := range list {
		r := Result{ID: c.id}
		for _, need := range c.needs {
			if r.Because == "" {
				r.Because = stopped[need]
			}
		}
		if r.Because != "" {
			r.Outcome, stopped[c.id] = Skipped, r.Because
			results = append(results, r)
			continue
		}
		f := c.run(v, ctx)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if f.outcome == Fail || f.stops {
			stopped[c.id] = c.id
		}
		r.Outcome, r.Seen, r.Fix = f.outcome, oneLine(f.seen), oneLine(f.fix)
		results = append(results, r)
	}
	return results, nil
}

// oneLine takes out what a terminal would obey: parts come from outside.
func oneLine(text string) string {
	return term.Strip(strings.ReplaceAll(strings.TrimSpace(text), "\n", "; "))
}

// IDs lists the checks that are made of a profile, in their order, with what
// each needs.
func IDs() (ids []string, needs map[string][]string) {
	needs = map[string][]string{}
	for _, c := range checks(Setup{}) {
		ids = append(ids, c.id)
		needs[c.id] = c.needs
	}
	return ids, needs
}
