package profile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/xeroauth/xeroauth/internal/atomicfile"
)

// A list of tenants is JSON with each tenant on a line of its own, so that
// finding one of thousands means reading lines and not JSON.
const (
	linesBegin = `{"tenants":[` + "\n"
	linesEnd   = "]}\n"
	// idBegin begins each line of a tenant.
	idBegin = `{"tenant_id":"`
)

func encodeTenants(tenants []Tenant) ([]byte, error) {
	out := bytes.NewBufferString(linesBegin)
	for i, t := range tenants {
		line, err := json.Marshal(t)
		if err != nil {
			return nil, err
		}
		out.Write(line)
		if i < len(tenants)-1 {
			out.WriteByte(',')
		}
		out.WriteByte('\n')
	}
	out.WriteString(linesEnd)
	return out.Bytes(), nil
}

// TenantsLike returns of a profile's list at least the tenants that FindTenant
// would find by want, and perhaps others; all of them if want is empty. It is
// for a clean that leaves printable ASCII as it is. Errors are those of
// Tenants, except that damage in a line that cannot be meant is passed over.
func (d Dir) TenantsLike(name, want string) ([]Tenant, error) {
	if want == "" {
		return d.Tenants(name)
	}
	f, err := atomicfile.Open(d.tenantsFile(name))
	if err != nil {
		return d.Tenants(name) // which says why
	}
	defer func() { _ = f.Close() }()
	list, err := scanTenants(f, want)
	if err != nil {
		return d.Tenants(name) // not in lines: somebody's editor, or an earlier version
	}
	return list, nil
}

var errNotLines = errors.New("the list is not in lines")

func scanTenants(r io.Reader, want string) ([]Tenant, error) {
	in := bufio.NewReaderSize(io.LimitReader(r, maxFile), 16<<10)
	line, err := in.ReadSlice('\n')
	if err != nil || string(line) != linesBegin {
		return nil, errNotLines
	}
	quoted, err := json.Marshal(want)
	if err != nil {
		return nil, err
	}
	var list []Tenant
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return nil, errNotLines // no end, or a line longer than any of ours
		}
		if string(line) == linesEnd {
			return list, nil
		}
		if !mayMean(line, []byte(want), quoted) {
			continue
		}
		var t Tenant
		if json.Unmarshal(bytes.TrimSuffix(line[:len(line)-1], []byte(",")), &t) != nil {
			return nil, errNotLines
		}
		list = append(list, t)
	}
}

// mayMean reports whether a line may hold the tenant that want names. A name
// of which JSON escapes something, or that is not ASCII, may look like any.
func mayMean(line, want, quoted []byte) bool {
	id, ok := bytes.CutPrefix(line, []byte(idBegin))
	if !ok || bytes.Contains(line, quoted) || len(id) >= len(want) && bytes.EqualFold(id[:len(want)], want) {
		return true
	}
	for _, c := range line {
		if c == '\\' || c >= 0x7f {
			return true
		}
	}
	return false
}
