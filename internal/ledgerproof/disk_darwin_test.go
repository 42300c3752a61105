package ledgerproof_test

import "errors"

var errLinuxOnly = errors.New("only on Linux")

func mountSmall(dir, size string, again bool) error { return errLinuxOnly }

func unmount(dir string) error { return nil }

func setImmutable(path string, on bool) error { return errLinuxOnly }
