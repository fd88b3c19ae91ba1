package keychain

import "github.com/xeroauth/xeroauth/internal/store"

// errnoClass sorts Windows' error numbers: 1312 is a network logon (OpenSSH,
// WinRM), which has no credential set; 1783 is a blob that is too big.
func errnoClass(errno uint) store.Class {
	switch errno {
	case 1312:
		return store.NoLogonSession
	case 1783:
		return store.TooBig
	case 5:
		return store.Denied
	}
	return store.Other
}
