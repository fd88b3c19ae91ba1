package file_test

import (
	"testing"

	"github.com/xeroauth/xeroauth/internal/store"
)

// TestProfileThatIsNamedLikeALeftover: saving or deleting one profile's session
// never costs another's, whatever it is called.
func TestProfileThatIsNamedLikeALeftover(t *testing.T) {
	each(t, func(t *testing.T, _ *folder, s store.Store, path string) {
		odd := "acme" + path[len(path)-4:] + ".tmp-1"
		save(t, s, odd, "its value", "")
		version := save(t, s, "acme", value, "")
		wantValue(t, s, odd, "its value")
		save(t, s, "acme", "new", version)
		if err := s.Delete(t.Context(), "acme"); err != nil {
			t.Fatal(err)
		}
		wantValue(t, s, odd, "its value")
	})
}
