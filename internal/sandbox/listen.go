package sandbox

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// Start listens on addr, which must be a loopback host and a port, and serves until Close. "localhost:0" picks a port
// that is free on 127.0.0.1 and on ::1 (where the machine has it) and listens on both, because localhost may resolve to
// either (docs/xero.md section 3). The authority it gives is the origin of every address, "http://localhost:PORT", or
// has the literal address that was asked for.
func (s *Sandbox) Start(addr string) (authority string, err error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("starting the sandbox: %q is not host:port", addr)
	}
	var listeners []net.Listener
	if host == "localhost" {
		listeners, err = listenBoth(port)
	} else {
		listeners, err = listenOne(host, port)
	}
	if err != nil {
		return "", fmt.Errorf("starting the sandbox: %w", err)
	}
	_, port, _ = net.SplitHostPort(listeners[0].Addr().String())
	authority = "http://" + net.JoinHostPort(host, port)

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.authority != "" {
		for _, l := range listeners {
			_ = l.Close()
		}
		return "", errors.New("starting the sandbox: it was started before")
	}
	s.authority = authority
	for _, l := range listeners {
		// net/http would print the errors of single connections on stderr, where they are nobody's business.
		server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
		s.servers = append(s.servers, server)
		go func() { _ = server.Serve(l) }() // it always ends with an error: that Close was called
	}
	return authority, nil
}

func listenOne(host, port string) ([]net.Listener, error) {
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("%q is not a loopback host: use localhost, 127.0.0.1 or [::1]", host)
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, port))
	return []net.Listener{l}, err
}

// listenBoth takes the same port on both loopback addresses. A port the system picked on one may be taken on the other,
// so that is tried a few times.
func listenBoth(port string) ([]net.Listener, error) {
	probe, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return listenOne("127.0.0.1", port)
	}
	_ = probe.Close()
	for range 10 {
		var four, six net.Listener
		if four, err = net.Listen("tcp4", net.JoinHostPort("127.0.0.1", port)); err != nil {
			return nil, err
		}
		_, picked, _ := net.SplitHostPort(four.Addr().String())
		if six, err = net.Listen("tcp6", net.JoinHostPort("::1", picked)); err == nil {
			return []net.Listener{four, six}, nil
		}
		_ = four.Close()
		if port != "0" {
			return nil, err
		}
	}
	return nil, err
}

// Authority is what Start gave, or nothing before Start.
func (s *Sandbox) Authority() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.authority
}

// Close stops listening and cuts every connection, also those that a fault holds. It may be called more than once.
func (s *Sandbox) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.done)
	}
	servers := s.servers
	s.mu.Unlock()
	var errs []error
	for _, server := range servers {
		errs = append(errs, server.Close())
	}
	return errors.Join(errs...)
}
