package profile

import (
	"errors"
	"path/filepath"
	"strings"
	"time"

	"github.com/xeroauth/xeroauth/internal/atomicfile"
)

// Tenant is an organisation or practice that the user connected to the app, as
// last seen. Name and Type are text from outside.
type Tenant struct {
	ID           string    `json:"tenant_id"`
	Name         string    `json:"tenant_name"`
	Type         string    `json:"tenant_type"`
	ConnectionID string    `json:"connection_id"`
	AuthEventID  string    `json:"auth_event_id"`
	Created      time.Time `json:"created_at,omitzero"`
	Updated      time.Time `json:"updated_at,omitzero"`
}

type tenantList struct {
	Tenants []Tenant `json:"tenants"`
}

func (d Dir) tenantsFile(name string) string {
	return filepath.Join(d.Path, "tenants", name+".json")
}

// Tenants returns the list kept for a profile: ErrNotFound when none was ever
// kept, which is not the same as an empty list.
func (d Dir) Tenants(name string) ([]Tenant, error) {
	var list tenantList
	if err := readJSON(d.tenantsFile(name), &list); err != nil {
		return nil, err
	}
	return list.Tenants, nil
}

// SaveTenants keeps a profile's list.
func (d Dir) SaveTenants(name string, tenants []Tenant) error {
	b, err := encodeTenants(tenants)
	if err != nil {
		return err
	}
	return atomicfile.Write(d.tenantsFile(name), b)
}

// RemoveTenants forgets a profile's list.
func (d Dir) RemoveTenants(name string) error { return remove(d.tenantsFile(name)) }

var (
	// ErrNoTenant says that no tenant has that id or name.
	ErrNoTenant = errors.New("no such tenant")
	// ErrAmbiguous says that several tenants have that name.
	ErrAmbiguous = errors.New("several tenants have that name")
)

// FindTenant returns the tenant with that id or exactly that name. Prefixes are
// not taken: in scripts they would send invoices to the wrong ledger. clean
// gives a name as a terminal shows it, which counts as the name too.
func FindTenant(tenants []Tenant, want string, clean func(string) string) (Tenant, error) {
	for _, t := range tenants {
		if strings.EqualFold(t.ID, want) {
			return t, nil
		}
	}
	var found []Tenant
	for _, t := range tenants {
		if t.Name != "" && (t.Name == want || clean(t.Name) == want) {
			found = append(found, t)
		}
	}
	switch len(found) {
	case 0:
		return Tenant{}, ErrNoTenant
	case 1:
		return found[0], nil
	}
	return Tenant{}, ErrAmbiguous
}
