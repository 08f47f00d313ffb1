package socketio

import (
	"testing"
	"unsafe"
)

// Go's allocator hands out 480 bytes, or then 512, and 208, or then 224: one field too many costs each idle client.
func TestASocketFitsInto480BytesAndItsClientInto208(t *testing.T) {
	if size := unsafe.Sizeof(Socket{}); size > 480 {
		t.Errorf("a Socket takes %d bytes", size)
	}
	if size := unsafe.Sizeof(client{}); size > 208 {
		t.Errorf("a client takes %d bytes", size)
	}
}
