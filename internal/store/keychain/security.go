package keychain

import "github.com/xeroauth/xeroauth/internal/store"

// securityClass sorts the exit status of macOS's security tool, the low byte
// of an OSStatus. 44 is "not found" when reading and a denied write otherwise.
func securityClass(status int, writing bool) (class store.Class, notFound bool) {
	switch status {
	case 36, 51, 128:
		return store.Locked, false
	case 44:
		return store.Denied, !writing
	case 37, 50, 53:
		return store.NoCollection, false
	case 52:
		return store.NotWritable, false
	}
	return store.Other, false
}
