package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/xeroauth/xeroauth/internal/doctor"
	"github.com/xeroauth/xeroauth/internal/store"
	"github.com/xeroauth/xeroauth/internal/store/file"
)

// secondView is what the second process answers. A store's failure goes
// through it with its class, so that the advice is the same.
type secondView struct {
	Sum    string      `json:"sum"`
	Locked bool        `json:"locked"`
	Store  string      `json:"store"`
	Class  store.Class `json:"class"`
	Step   string      `json:"step"`
	Error  string      `json:"error"`
}

// secondProcess is the far side of askSecondProcess. Its caller has checked
// that account is a doctor's own: no session is ever read here.
func (a *App) secondProcess(ctx context.Context, what, storeName, account string) error {
	var v secondView
	var err error
	switch what {
	case doctor.SecondRead:
		v.Sum, err = a.sumOfProbe(ctx, storeName, account)
	case doctor.SecondLock:
		var unlock func()
		if unlock, err = a.tryLock(ctx, storeName, account); err == nil {
			unlock()
			v.Locked = true
		}
		var held *store.LockError
		if errors.As(err, &held) {
			err = nil
		}
	default:
		return usagef("run: xeroauth doctor", "this command is for the doctor itself")
	}
	var keep *store.Error
	switch {
	case errors.As(err, &keep):
		v.Store, v.Class, v.Step, v.Error = keep.Store, keep.Class, keep.Step, oneLine(keep.Err.Error())
	case err != nil:
		v.Error = oneLine(err.Error())
	}
	return a.printJSON(v)
}

func (a *App) sumOfProbe(ctx context.Context, storeName, account string) (string, error) {
	dir, err := a.profiles()
	if err != nil {
		return "", err
	}
	s, err := a.openStore(storeName, dir)
	if err != nil {
		return "", err
	}
	value, _, err := s.Load(ctx, account)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(value.Reveal()))
	return hex.EncodeToString(sum[:]), nil
}

// secondLimit bounds the second process: a keychain may ask for its password.
const secondLimit = 90 * time.Second

// askSecondProcess runs this program again. Neither its arguments nor its
// environment hold a secret: the key of the store "file" goes over stdin.
func (a *App) askSecondProcess(ctx context.Context, what, storeName, account string) (doctor.SecondWord, error) {
	if a.Program == nil {
		return doctor.SecondWord{}, errors.New("this program does not know where it stands")
	}
	program, err := a.Program()
	if err != nil {
		return doctor.SecondWord{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, secondLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "doctor", "second-process", what, storeName, account)
	cmd.Env = a.environWithoutSecrets()
	if storeName == file.Name {
		cmd.Stdin = strings.NewReader(a.env(envFileKey))
	}
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil {
		return doctor.SecondWord{}, fmt.Errorf("running %s: %w", program, withoutFile(err))
	}
	var v secondView
	if err := json.Unmarshal(out.Bytes(), &v); err != nil {
		return doctor.SecondWord{}, fmt.Errorf("running %s: it answered something else", program)
	}
	word := doctor.SecondWord{Sum: v.Sum, Locked: v.Locked}
	switch {
	case v.Class != "":
		word.Err = &store.Error{Store: v.Store, Class: v.Class, Step: v.Step, Err: errors.New(v.Error)}
	case v.Error != "":
		word.Err = errors.New(v.Error)
	}
	return word, nil
}
