package engineio

import (
	"testing"
	"unsafe"
)

// Go's allocator hands out 512 bytes, or then 576: one field too many costs each idle client 64.
func TestASessionFitsInto512Bytes(t *testing.T) {
	if size := unsafe.Sizeof(Session{}); size > 512 {
		t.Errorf("a Session takes %d bytes", size)
	}
}
