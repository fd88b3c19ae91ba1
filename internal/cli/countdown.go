package cli

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/xeroauth/xeroauth/internal/term"
)

// countdown is the one quiet line that shows on a terminal how long a login
// still waits. Lines that are said meanwhile go above it, from any goroutine:
// something may be pasted before it starts.
type countdown struct {
	out io.Writer
	now func() time.Time

	mu    sync.Mutex
	until time.Time
	shown bool // between start and stop
	end   chan struct{}
}

// wipe clears the line that the cursor is on.
const wipe = "\r\x1b[K"

// newCountdown returns nil where nobody would see it.
func (a *App) newCountdown() *countdown {
	if !term.IsTerminal(a.Stderr) || a.flags.quiet || a.flags.json || a.env("TERM") == "dumb" {
		return nil
	}
	return &countdown{out: a.Stderr, now: a.Now, end: make(chan struct{})}
}

func (c *countdown) start(until time.Time) {
	if c == nil {
		return
	}
	c.mu.Lock()
	c.until, c.shown = until, true
	c.mu.Unlock()
	c.say("")
	go c.run()
}

func (c *countdown) run() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			c.say("")
		case <-c.end:
			return
		}
	}
}

// say prints whole lines above the countdown and shows it anew.
func (c *countdown) say(lines string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.shown {
		fmt.Fprint(c.out, lines)
		return
	}
	left := max(c.until.Sub(c.now()), 0).Round(time.Second)
	fmt.Fprintf(c.out, "%s%s%swaiting for consent, %d:%02d left ", wipe, lines, prefix, int(left.Minutes()), int(left.Seconds())%60)
}

// stop takes the line away. It may be called twice.
func (c *countdown) stop() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shown {
		c.shown = false
		close(c.end)
		fmt.Fprint(c.out, wipe)
	}
}
