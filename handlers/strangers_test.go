package handlers

import (
	"log/slog"
	"strings"
	"testing"
	"unsafe"
)

// A plain client's request is as long as a message may be, and so may be the name in it.
func TestOfALongUnknownNameOnlyTheBeginningIsHeld(t *testing.T) {
	s := strangers{log: slog.New(slog.DiscardHandler)}
	name := strings.Repeat("x", 1<<20)
	_ = s.refuse(name)
	for held := range s.seen {
		if len(held) != strangerBytes || unsafe.StringData(held) == unsafe.StringData(name) {
			t.Errorf("%d bytes are remembered, as a part of the request", len(held))
		}
	}
	if len(s.seen) != 1 {
		t.Errorf("%d names are remembered", len(s.seen))
	}
}
