//go:build !unix

package doctor

import (
	"strings"
)

func isRefused(err error) bool { return strings.Contains(err.Error(), "refused") }

func isReset(err error) bool { return strings.Contains(err.Error(), "forcibly closed") }
