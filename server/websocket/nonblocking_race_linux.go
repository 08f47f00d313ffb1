//go:build race

package websocket

import "golang.org/x/sys/unix"

func readNow(fd uintptr, b []byte) (int, error)        { return unix.Read(int(fd), b) }
func writeNow(fd uintptr, b []byte) (int, error)       { return unix.Write(int(fd), b) }
func writevNow(fd uintptr, bufs [][]byte) (int, error) { return unix.Writev(int(fd), bufs) }
