//go:build unix && !linux

package file_test

import "testing"

func mountSmall(t *testing.T, _ string) {
	t.Helper()
	t.Skip("small disks are mounted on Linux only")
}
