package cli

import (
	"fmt"
	"sync"
	"time"

	"github.com/xeroauth/xeroauth/internal/term"
)

// countdown shows on a terminal how long a login still waits.
type countdown struct {
	end  chan struct{}
	done sync.WaitGroup
}

// startCountdown returns nil where nobody would see it.
func (a *App) startCountdown(until time.Time) *countdown {
	if !term.IsTerminal(a.Stderr) || a.flags.quiet || a.env("TERM") == "dumb" {
		return nil
	}
	c := &countdown{end: make(chan struct{})}
	c.done.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			left := max(until.Sub(a.Now()), 0).Round(time.Second)
			fmt.Fprintf(a.Stderr, "\r%swaiting for consent, %d:%02d left ", prefix, int(left.Minutes()), int(left.Seconds())%60)
			select {
			case <-tick.C:
			case <-c.end:
				const wipe = "\r\x1b[K"
				fmt.Fprint(a.Stderr, wipe)
				return
			}
		}
	})
	return c
}

func (c *countdown) stop() {
	if c != nil {
		close(c.end)
		c.done.Wait()
	}
}
