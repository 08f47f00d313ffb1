package websocket

import (
	"testing"
	"unsafe"
)

// Go's allocator hands out 256 bytes, or then 288: one field too many costs each idle client 32.
func TestAConnFitsInto256Bytes(t *testing.T) {
	if size := unsafe.Sizeof(Conn{}); size > 256 {
		t.Errorf("a Conn takes %d bytes", size)
	}
}
