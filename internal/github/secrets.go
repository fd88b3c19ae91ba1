package github

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/crypto/nacl/box"

	"github.com/xeroauth/xeroauth/internal/secret"
)

// sealedSecret is the body that makes or replaces a secret.
type sealedSecret struct {
	EncryptedValue string `json:"encrypted_value"`
	KeyID          string `json:"key_id"`
	// The rest is for an organisation's: who may read it.
	Visibility   string  `json:"visibility,omitempty"`
	Repositories []int64 `json:"selected_repository_ids,omitempty"`
}

// Put makes the secret, or gives it a new value. Who may read an organisation's
// secret stays as it is; a new one is for the place's repository alone.
func (c *Client) Put(ctx context.Context, p Place, value secret.Text) error {
	step := "writing the secret " + p.String()
	body, err := c.seal(ctx, step, p, value)
	if err != nil {
		return err
	}
	if p.Organisation != "" {
		if body.Visibility, body.Repositories, err = c.readers(ctx, step, p); err != nil {
			return err
		}
	}
	return c.send(ctx, step, http.MethodPut, p.path()+"/"+p.Name, body, nil)
}

// Delete removes the secret.
func (c *Client) Delete(ctx context.Context, p Place) error {
	return c.send(ctx, "deleting the secret "+p.String(), http.MethodDelete, p.path()+"/"+p.Name, nil, nil)
}

// Probe proves that Put will work, by a secret of another name in the same
// place, which holds size bytes of nothing and is deleted again. The secret
// itself is not touched: what stands there may be newer than what we hold.
func (c *Client) Probe(ctx context.Context, p Place, size int) error {
	probe := p
	probe.Name = c.probeName
	if p.Organisation != "" && p.Repository == "" {
		// It is read by nobody, and the repository is not known.
		return c.probeOrganisation(ctx, probe, p, size)
	}
	if err := c.Put(ctx, probe, secret.New(strings.Repeat("x", size))); err != nil {
		return fmt.Errorf("checking the right to write %s: %w", p, err)
	}
	return c.removeProbe(ctx, probe)
}

func (c *Client) removeProbe(ctx context.Context, probe Place) error {
	// Also after a signal: nothing of ours may stay behind.
	if err := c.Delete(context.WithoutCancel(ctx), probe); err != nil {
		return fmt.Errorf("%w (the secret %s holds nothing; delete it by hand)", err, probe.Name)
	}
	return context.Cause(ctx)
}

func (c *Client) probeOrganisation(ctx context.Context, probe, p Place, size int) error {
	step := "checking the right to write " + p.String()
	body, err := c.seal(ctx, step, probe, secret.New(strings.Repeat("x", size)))
	if err != nil {
		return err
	}
	// Also proves that Put can find out who reads the secret.
	if _, _, err := c.readers(ctx, step, p); err != nil {
		return err
	}
	body.Visibility = "private"
	if err := c.send(ctx, step, http.MethodPut, probe.path()+"/"+probe.Name, body, nil); err != nil {
		return err
	}
	return c.removeProbe(ctx, probe)
}

const keySize = 32

// seal fetches the place's public key and seals value for it: a libsodium
// sealed box, whose sender nobody can open it with.
func (c *Client) seal(ctx context.Context, step string, p Place, value secret.Text) (sealedSecret, error) {
	var reply struct {
		ID  string `json:"key_id"`
		Key string `json:"key"`
	}
	if err := c.send(ctx, step, http.MethodGet, p.path()+"/public-key", nil, &reply); err != nil {
		return sealedSecret{}, err
	}
	raw, err := base64.StdEncoding.DecodeString(reply.Key)
	if err != nil || len(raw) != keySize || reply.ID == "" {
		return sealedSecret{}, &Error{Step: step, Kind: Temporary, Err: errors.New("GitHub's public key cannot be read")}
	}
	sealed, err := box.SealAnonymous(nil, []byte(value.Reveal()), (*[keySize]byte)(raw), rand.Reader)
	if err != nil {
		return sealedSecret{}, fmt.Errorf("%s: sealing it: %w", step, err)
	}
	return sealedSecret{EncryptedValue: base64.StdEncoding.EncodeToString(sealed), KeyID: reply.ID}, nil
}

const selected = "selected"

// readers finds who may read an organisation's secret: those who may now, else
// the place's repository. GitHub wants to be told with every write.
func (c *Client) readers(ctx context.Context, step string, p Place) (visibility string, repositories []int64, err error) {
	var present struct {
		Visibility string `json:"visibility"`
	}
	err = c.send(ctx, step, http.MethodGet, p.path()+"/"+p.Name, nil, &present)
	var refused *Error
	switch {
	case err == nil && present.Visibility != selected:
		return present.Visibility, nil, nil
	case err == nil:
		repositories, err = c.selectedRepositories(ctx, step, p)
		return selected, repositories, err
	case !errors.As(err, &refused) || refused.Kind != NotFound || p.Repository == "":
		return "", nil, err
	}
	var repository struct {
		ID int64 `json:"id"`
	}
	if err := c.send(ctx, step, http.MethodGet, "/repos/"+p.Owner+"/"+p.Repository, nil, &repository); err != nil {
		return "", nil, err
	}
	return selected, []int64{repository.ID}, nil
}

func (c *Client) selectedRepositories(ctx context.Context, step string, p Place) ([]int64, error) {
	// A session serves one job at a time: more than a page of repositories that
	// share one is a mistake, and not ours to repeat.
	const perPage = 100
	var list struct {
		Total        int `json:"total_count"`
		Repositories []struct {
			ID int64 `json:"id"`
		} `json:"repositories"`
	}
	path := p.path() + "/" + p.Name + "/repositories?per_page=" + strconv.Itoa(perPage)
	if err := c.send(ctx, step, http.MethodGet, path, nil, &list); err != nil {
		return nil, err
	}
	if list.Total > perPage {
		return nil, fmt.Errorf("%s: more than %d repositories share it", step, perPage)
	}
	var ids []int64
	for _, r := range list.Repositories {
		ids = append(ids, r.ID)
	}
	return ids, nil
}
