package atomicfile_test

import (
	"path/filepath"
	"testing"

	"github.com/xeroauth/xeroauth/internal/atomicfile"
	"github.com/xeroauth/xeroauth/internal/testdir"
)

// TestLeftoversEndInDigits: another entry may have a name that only looks like
// a leftover's.
func TestLeftoversEndInDigits(t *testing.T) {
	dir := testdir.New(t)
	another := filepath.Join(dir, "a.age"+atomicfile.TempMark+"1.age")
	write(t, another, "another profile's session")
	if err := atomicfile.RemoveLeftovers(filepath.Join(dir, "a.age")); err != nil {
		t.Fatal(err)
	}
	wantFile(t, another, "another profile's session")
}
