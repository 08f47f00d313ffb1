//go:build !unix

package certificates

import "os"

func ownerOf(os.FileInfo) owner { return owner{} }
