//go:build !linux

package keychain

import "context"

func read(ctx context.Context, c Config, step, account string) (string, error) {
	return readByLibrary(ctx, c, step, account)
}
