package loopback

import (
	"errors"
	"net"
	"slices"
	"testing"
)

func TestSelfTest(t *testing.T) {
	for _, path := range []string{"/callback", "", "/"} {
		uri := uriOf(freePort(t), path)
		got, err := SelfTest(t.Context(), uri)
		if err != nil || !slices.Contains(got, "127.0.0.1") || got[len(got)-1] != "localhost" {
			t.Errorf("%s: %q, %v", uri, got, err)
		}
		// The port is free again at once.
		l, _, err := Listen([]string{uri}, "")
		if err != nil {
			t.Fatal(err)
		}
		l.Close(t.Context())
	}
}

func TestSelfTestBusy(t *testing.T) {
	for network, host := range map[string]string{"tcp4": "127.0.0.1", "tcp6": "::1"} {
		taken, err := net.Listen(network, net.JoinHostPort(host, "0"))
		if err != nil {
			t.Logf("no %s here: %v", host, err)
			continue
		}
		_, port, _ := net.SplitHostPort(taken.Addr().String())
		_, err = SelfTest(t.Context(), "http://localhost:"+port+"/callback")
		var busy *BusyError
		if !errors.As(err, &busy) || busy.Host != host {
			t.Errorf("%s is taken: %v", host, err)
		}
		taken.Close()
	}
}
