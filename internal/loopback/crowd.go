package loopback

import (
	"container/list"
	"context"
	"net"
	"net/http"
	"sync"
)

// maxCrowd is how many connections may be open that have not brought the right
// callback. A browser opens a handful.
const maxCrowd = 256

// crowd keeps strangers from using up the file descriptors that the exchange
// needs: of too many connections the oldest is closed. One that brought the
// right callback is not counted.
type crowd struct {
	mu    sync.Mutex
	order *list.List // of net.Conn, oldest first
	place map[net.Conn]*list.Element
}

func newCrowd() *crowd { return &crowd{order: list.New(), place: map[net.Conn]*list.Element{}} }

// changed is http.Server's ConnState.
func (c *crowd) changed(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if oldest := c.add(conn); oldest != nil {
			_ = oldest.Close()
		}
	case http.StateClosed, http.StateHijacked:
		c.leave(conn)
	case http.StateActive, http.StateIdle:
	}
}

// add returns the connection that must go, if there are too many.
func (c *crowd) add(conn net.Conn) (oldest net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.place[conn] = c.order.PushBack(conn)
	if c.order.Len() <= maxCrowd {
		return nil
	}
	oldest = c.order.Remove(c.order.Front()).(net.Conn)
	delete(c.place, oldest)
	return oldest
}

func (c *crowd) leave(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.place[conn]; ok {
		c.order.Remove(e)
		delete(c.place, conn)
	}
}

type connKey struct{}

// remember is http.Server's ConnContext.
func (c *crowd) remember(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// keep takes the request's connection out of the crowd.
func (c *crowd) keep(r *http.Request) {
	if conn, ok := r.Context().Value(connKey{}).(net.Conn); ok {
		c.leave(conn)
	}
}
