//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package ownstore

import (
	"errors"
	"os"
)

// lock refuses: two writers of a journal would each destroy what the other wrote.
func lock(*os.File) error { return errors.ErrUnsupported }
