//go:build !linux

package main

import "github.com/rogpeppe/go-internal/testscript"

func scriptTerminal(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Fatalf("put [!linux] skip in front: pseudo-terminals are made for Linux only")
}
