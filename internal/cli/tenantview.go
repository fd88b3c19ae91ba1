package cli

import (
	"slices"
	"strings"
	"time"

	"github.com/xeroauth/xeroauth/internal/profile"
	"github.com/xeroauth/xeroauth/internal/term"
	"github.com/xeroauth/xeroauth/internal/xero"
)

// tenantView is a tenant as --json has it. Its field names are promised.
type tenantView struct {
	ID           string     `json:"tenant_id"`
	Name         string     `json:"tenant_name"`
	Type         string     `json:"tenant_type"`
	ConnectionID string     `json:"connection_id"`
	AuthEventID  string     `json:"auth_event_id"`
	ConnectedNow bool       `json:"connected_now"`
	Default      bool       `json:"default"`
	Created      *time.Time `json:"created_at"`
	Updated      *time.Time `json:"updated_at"`
}

func fromConnections(list []xero.Connection) []profile.Tenant {
	tenants := make([]profile.Tenant, 0, len(list))
	for _, c := range list {
		tenants = append(tenants, profile.Tenant{
			ID: c.TenantID, Name: c.Name, Type: c.Type, ConnectionID: c.ID, AuthEventID: c.AuthEventID,
			Created: c.Created, Updated: c.Updated,
		})
	}
	return tenants
}

// viewTenants puts tenants in the order people look for them: connected just
// now first, then by name. event names the consent of the token in hand.
func viewTenants(tenants []profile.Tenant, defaultID, event string) []tenantView {
	views := make([]tenantView, 0, len(tenants))
	for _, t := range tenants {
		views = append(views, tenantView{
			ID: t.ID, Name: t.Name, Type: t.Type, ConnectionID: t.ConnectionID, AuthEventID: t.AuthEventID,
			ConnectedNow: event != "" && t.AuthEventID == event, Default: t.ID == defaultID,
			Created: shortTime(t.Created), Updated: shortTime(t.Updated),
		})
	}
	slices.SortStableFunc(views, func(x, y tenantView) int {
		if x.ConnectedNow != y.ConnectedNow {
			if x.ConnectedNow {
				return -1
			}
			return 1
		}
		return strings.Compare(x.Name, y.Name)
	})
	return views
}

// label is the tenant's name fit for a terminal; its id when it has none.
func (t tenantView) label() string {
	if name := term.Clean(t.Name); strings.TrimSpace(name) != "" {
		return name
	}
	return t.ID
}

func (t tenantView) note() string {
	if t.ConnectedNow {
		return "connected just now"
	}
	return ""
}

// shown is the tenant on one line.
func (t tenantView) shown() string {
	line := t.label() + "  " + t.ID
	if note := t.note(); note != "" {
		line += "  (" + note + ")"
	}
	if t.Default {
		line += "  (default)"
	}
	return line
}
