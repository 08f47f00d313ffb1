//go:build !windows && (!unix || aix || (solaris && !illumos))

package disk

import (
	"errors"
	"os"
)

func lock(*os.File) (taken bool, err error) { return false, errors.ErrUnsupported }
