//go:build unix

package main

import "syscall"

// become replaces this process. Whoever started it then has the program itself
// as a child: its signals, its exit code, its terminal, and no process beside
// it whose environment still holds the secrets that were taken out.
func become(path string, args, environ []string) (int, error) {
	return 0, syscall.Exec(path, args, environ)
}
