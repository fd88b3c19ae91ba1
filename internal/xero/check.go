package xero

import "strings"

// ValidAccessToken reports whether s is an access token that can go into a
// header: RFC 6750's b64token and nothing else, so that no reply can smuggle
// a second header line into a script.
func ValidAccessToken(s string) bool {
	return s != "" && onlyBytes(s, func(c byte) bool { return isAlnum(c) || strings.IndexByte("._~+/=-", c) >= 0 })
}

// ValidUUID reports whether s is a UUID in its 36-character text form.
func ValidUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch i {
		case 8, 13, 18, 23:
			if s[i] != '-' {
				return false
			}
		default:
			if !isHex(s[i]) {
				return false
			}
		}
	}
	return true
}

// validOpaque reports whether s is visible ASCII without spaces, as RFC 6749
// appendix A wants of codes and refresh tokens.
func validOpaque(s string) bool {
	return s != "" && onlyBytes(s, func(c byte) bool { return c > 0x20 && c < 0x7f })
}

func onlyBytes(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func isAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
