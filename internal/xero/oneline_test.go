package xero

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/secret"
)

// What people see is one line: the desk strips line breaks, which would join
// two words.
func TestNoAnswerInTimeIsOneLine(t *testing.T) {
	c, _ := clientOf(Production())
	c.http.Transport = &transport{client: c, base: deaf{}}
	ctx, cancel := context.WithDeadline(context.Background(), time.Unix(1, 0))
	defer cancel()
	_, err := c.Refresh(ctx, webApp(), secret.New(testRefresh))
	if e := asError(t, err); strings.ContainsAny(e.Error(), "\r\n") {
		t.Errorf("the error has more than one line: %q", e)
	}
}
