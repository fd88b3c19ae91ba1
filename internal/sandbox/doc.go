// Package sandbox plays Xero on loopback: consent pages, tokens, connections and a few accounting answers, all on one
// origin, so that a program which uses Xero can be tried offline.
//
// It promises to be at least as strict with its callers as Xero is: redirect URIs match as strings, codes work once,
// PKCE is checked, clients authenticate as their kind of app must, refresh tokens rotate on every use. Each rule cites
// its fact in docs/xero.md. Where that file says that nobody knows, the sandbox takes the stricter reading. On demand
// it also fails as networks and servers do, see Fault.
//
// It refuses to be reachable: it listens on loopback only and answers no request whose Host is another name. It keeps
// nothing on disk, prints nothing, calls nobody, and writes no secret into its record of requests. It knows one user.
// It does not play discovery (docs/xero.md section 1: it must not be called at run time), userinfo, limits on the number
// of connections, or the content of an accounting file beyond a few invented rows.
package sandbox
