//go:build !windows && (!unix || aix || (solaris && !illumos))

package feed

import (
	"errors"
	"os"
)

func lock(*os.File) (taken bool, err error) { return false, errors.ErrUnsupported }
