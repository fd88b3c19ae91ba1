package atomicfile_test

import (
	"path/filepath"
	"testing"

	"github.com/xeroauth/xeroauth/internal/atomicfile"
	"github.com/xeroauth/xeroauth/internal/testdir"
)

// TestLeftoversOfAnotherName: what another entry's writer is writing at this
// moment is no leftover of this one, although its name begins with ours.
func TestLeftoversOfAnotherName(t *testing.T) {
	dir := testdir.New(t)
	atWork := filepath.Join(dir, "a.age"+atomicfile.TempMark+"1.age"+atomicfile.TempMark+"5")
	write(t, atWork, "another profile's session")
	if err := atomicfile.RemoveLeftovers(filepath.Join(dir, "a.age")); err != nil {
		t.Fatal(err)
	}
	wantFile(t, atWork, "another profile's session")
}
