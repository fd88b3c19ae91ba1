package profile_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/testdir"
)

// manyTenants are as a practice with many clients has them.
func manyTenants(n int) []profile.Tenant {
	list := make([]profile.Tenant, n)
	for i := range list {
		list[i] = profile.Tenant{
			ID: fmt.Sprintf("0a000000-0000-4000-8000-%012d", i), Name: fmt.Sprintf("Organisation of a client, number %d", i), Type: "ORGANISATION",
			ConnectionID: fmt.Sprintf("0c000000-0000-4000-8000-%012d", i), AuthEventID: "00000000-0000-4000-8000-000000000001",
			Created: time.Unix(1795253400, 123456000).UTC(), Updated: time.Unix(1795253400, 0).UTC(),
		}
	}
	return list
}

func BenchmarkTenantByName(b *testing.B) {
	for _, n := range []int{1, 500, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			dir := profile.Dir{Path: testdir.New(b)}
			tenants := manyTenants(n)
			if err := dir.SaveTenants("default", tenants); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				list, err := dir.TenantsLike("default", tenants[n-1].Name)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := profile.FindTenant(list, tenants[n-1].Name, strings.TrimSpace); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
