//go:build !unix

package pgtest

import (
	"errors"
	"syscall"
)

func unprivileged(string) (*syscall.SysProcAttr, error) {
	return nil, errors.New("a throwaway cluster needs Unix sockets: set DATABASE_URL")
}
