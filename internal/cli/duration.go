package cli

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// durationFlag is a flag's value: Go's durations, and whole days such as 30d.
type durationFlag time.Duration

// String is the shortest that Set takes: 2m, not 2m0s.
func (d *durationFlag) String() string {
	const day = 24 * time.Hour
	v := time.Duration(*d)
	if v > 0 && v%day == 0 {
		return strconv.Itoa(int(v/day)) + "d"
	}
	s := v.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func (d *durationFlag) Type() string { return "duration" }

func (d *durationFlag) Set(text string) error {
	v, err := parseDuration(text)
	*d = durationFlag(v)
	return err
}

var errDuration = errors.New("a duration is for example 30d, 12h, 45m or 1h30m")

func parseDuration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return 0, errDuration
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, errDuration
	}
	return d, nil
}
