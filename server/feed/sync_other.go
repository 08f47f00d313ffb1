//go:build !linux

package feed

import "os"

type osFile struct{ *os.File }
