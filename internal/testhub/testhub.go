// Package testhub stands in for GitHub's API of secrets in tests. It checks its
// callers as GitHub does: the token and its rights, the key that a value was
// sealed with, the names, the sizes. It shares no code with the client.
package testhub

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/crypto/nacl/box"
)

// Hub is one GitHub. Its fields may be changed between requests, under Do.
type Hub struct {
	mu sync.Mutex
	// Tokens are those that GitHub knows, and whether each may write.
	Tokens map[string]bool
	// Repositories have an id each; Environments are "OWNER/REPOSITORY/NAME".
	Repositories map[string]int64
	Environments []string
	// Limited, if set, is the Retry-After of a secondary limit that is reached;
	// "-" is a limit without that header.
	Limited string
	// Fault, if set, answers in a request's place when it returns a status.
	Fault func(method, path string) (status int)

	keys    map[string]*keyPair
	secrets map[string]Secret
	writes  map[string]int
	seen    []string
}

// Secret is one that was written.
type Secret struct {
	Value, Visibility string
	Repositories      []int64
}

type keyPair struct {
	id              string
	public, private *[32]byte
}

// New returns a hub with one repository, octo/books, with the environment xero,
// and a token that may write there.
func New(token string) *Hub {
	return &Hub{
		Tokens: map[string]bool{token: true}, Repositories: map[string]int64{"octo/books": 4711}, Environments: []string{"octo/books/xero"},
		keys: map[string]*keyPair{}, secrets: map[string]Secret{}, writes: map[string]int{},
	}
}

// Do changes the hub while it serves.
func (h *Hub) Do(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
}

// Secret returns what stands in a secret, by its path:
// "repos/octo/books/actions/secrets/NAME".
func (h *Hub) Secret(path string) (s Secret, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, ok = h.secrets["/"+path]
	return s, ok
}

// Set puts a secret there as its owner would.
func (h *Hub) Set(path string, s Secret) {
	h.Do(func() { h.secrets["/"+path] = s })
}

// Names lists the paths of all secrets.
func (h *Hub) Names() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var names []string
	for path := range h.secrets {
		names = append(names, strings.TrimPrefix(path, "/"))
	}
	slices.Sort(names)
	return names
}

// Writes counts how often a secret was written.
func (h *Hub) Writes(path string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.writes["/"+path]
}

// Requests lists what was asked, as "METHOD path", refusals too.
func (h *Hub) Requests() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.seen)
}

func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	path := r.URL.EscapedPath()
	h.seen = append(h.seen, r.Method+" "+path)
	if h.Fault != nil {
		if status := h.Fault(r.Method, path); status != 0 {
			refuse(w, status, "Server Error")
			return
		}
	}
	if !h.admit(w, r) {
		return
	}
	m := regexp.MustCompile(`^(/orgs/[^/]+/actions/secrets|/repos/[^/]+/[^/]+/(?:actions|environments/[^/]+)/secrets|/repos)/(.+)$`).FindStringSubmatch(path)
	switch {
	case m == nil:
		refuse(w, http.StatusNotFound, "Not Found")
	case m[1] == "/repos":
		h.repository(w, m[2])
	case !h.exists(m[1]):
		refuse(w, http.StatusNotFound, "Not Found")
	case m[2] == "public-key" && r.Method == http.MethodGet:
		key := h.key(m[1])
		answer(w, http.StatusOK, map[string]string{"key_id": key.id, "key": base64.StdEncoding.EncodeToString(key.public[:])})
	default:
		h.secret(w, r.Method, m[1], m[2], body)
	}
}

// admit checks who asks.
func (h *Hub) admit(w http.ResponseWriter, r *http.Request) bool {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	may, known := h.Tokens[token]
	switch {
	case r.Header.Get("User-Agent") == "" || strings.HasPrefix(r.Header.Get("User-Agent"), "Go-http-client"):
		refuse(w, http.StatusForbidden, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header")
	case r.Header.Get("X-GitHub-Api-Version") != "2022-11-28":
		refuse(w, http.StatusBadRequest, "Unsupported API version")
	case !known:
		refuse(w, http.StatusUnauthorized, "Bad credentials")
	case h.Limited != "":
		if h.Limited != "-" {
			w.Header().Set("Retry-After", h.Limited)
		}
		refuse(w, http.StatusForbidden, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.")
	case !may:
		w.Header().Set("X-Accepted-GitHub-Permissions", "secrets=write")
		kind := "personal access token"
		if strings.HasPrefix(token, "ghs_") {
			kind = "integration"
		}
		refuse(w, http.StatusForbidden, "Resource not accessible by "+kind)
	default:
		return true
	}
	return false
}

func (h *Hub) repository(w http.ResponseWriter, name string) {
	id, ok := h.Repositories[name]
	if !ok {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	answer(w, http.StatusOK, map[string]any{"id": id, "full_name": name})
}

// exists reports whether the owner of a folder of secrets is there.
func (h *Hub) exists(folder string) bool {
	part := strings.Split(strings.Trim(folder, "/"), "/")
	if part[0] == "orgs" {
		return slices.ContainsFunc(slices.Collect(maps.Keys(h.Repositories)), func(name string) bool { return strings.HasPrefix(name, part[1]+"/") })
	}
	repository := part[1] + "/" + part[2]
	if _, ok := h.Repositories[repository]; !ok {
		return false
	}
	return part[3] != "environments" || slices.Contains(h.Environments, repository+"/"+part[4])
}

func (h *Hub) key(folder string) *keyPair {
	if h.keys[folder] == nil {
		public, private, err := box.GenerateKey(rand.Reader)
		if err != nil {
			panic(err)
		}
		h.keys[folder] = &keyPair{id: fmt.Sprintf("5680%014d", len(h.keys)+1), public: public, private: private}
	}
	return h.keys[folder]
}

func (h *Hub) secret(w http.ResponseWriter, method, folder, name string, body []byte) {
	path := folder + "/" + name
	present, ok := h.secrets[path]
	switch {
	case method == http.MethodPut:
		h.put(w, folder, name, body)
	case method == http.MethodGet && strings.HasSuffix(name, "/repositories"):
		present = h.secrets[strings.TrimSuffix(path, "/repositories")]
		list := []map[string]int64{}
		for _, id := range present.Repositories {
			list = append(list, map[string]int64{"id": id})
		}
		answer(w, http.StatusOK, map[string]any{"total_count": len(list), "repositories": list})
	case !ok:
		refuse(w, http.StatusNotFound, "Not Found")
	case method == http.MethodGet:
		answer(w, http.StatusOK, map[string]string{"name": name, "visibility": present.Visibility})
	case method == http.MethodDelete:
		delete(h.secrets, path)
		w.WriteHeader(http.StatusNoContent)
	default:
		refuse(w, http.StatusNotFound, "Not Found")
	}
}

// maxSecret is the most bytes that a secret may have.
const maxSecret = 48 << 10

func (h *Hub) put(w http.ResponseWriter, folder, name string, body []byte) {
	var in struct {
		Value        string  `json:"encrypted_value"`
		KeyID        string  `json:"key_id"`
		Visibility   string  `json:"visibility"`
		Repositories []int64 `json:"selected_repository_ids"`
	}
	key := h.key(folder)
	err := json.Unmarshal(body, &in)
	sealed, badBase64 := base64.StdEncoding.DecodeString(in.Value)
	value, opened := box.OpenAnonymous(nil, sealed, key.public, key.private)
	organisation := strings.HasPrefix(folder, "/orgs/")
	switch {
	case err != nil:
		refuse(w, http.StatusBadRequest, "Problems parsing JSON")
	case !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`).MatchString(name) || strings.HasPrefix(strings.ToUpper(name), "GITHUB_"):
		refuse(w, http.StatusUnprocessableEntity, "Secret names can only contain alphanumeric characters")
	case in.KeyID != key.id:
		refuse(w, http.StatusUnprocessableEntity, "Bad request - the public key id is not known")
	case badBase64 != nil || !opened:
		refuse(w, http.StatusUnprocessableEntity, "Bad request - the value was not sealed with that key")
	case len(value) > maxSecret:
		refuse(w, http.StatusUnprocessableEntity, "Value is too long")
	case organisation != slices.Contains([]string{"all", "private", "selected"}, in.Visibility):
		refuse(w, http.StatusUnprocessableEntity, "visibility")
	default:
		_, replaced := h.secrets[folder+"/"+name]
		h.secrets[folder+"/"+name] = Secret{Value: string(value), Visibility: in.Visibility, Repositories: in.Repositories}
		h.writes[folder+"/"+name]++
		if replaced {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		answer(w, http.StatusCreated, struct{}{})
	}
}

func refuse(w http.ResponseWriter, status int, message string) {
	answer(w, status, map[string]string{"message": message, "documentation_url": "https://docs.github.com/rest"})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
