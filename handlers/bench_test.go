package handlers_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/crier/crier/handlers"
	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/disk"
	"github.com/crier/crier/server/feed/memory"
	"github.com/crier/crier/server/socketio"
)

// BenchmarkSay has a guest say messages of 128 bytes, so many under way at a time, to nobody: what is measured is the
// way through the feed to the answer.
func BenchmarkSay(b *testing.B) {
	for _, store := range []string{"memory", "disk"} {
		for _, underWay := range []int{1, 16} {
			b.Run(fmt.Sprintf("%s/underway=%d", store, underWay), func(b *testing.B) {
				io, err := socketio.New(socketio.Options{Logger: quiet})
				if err != nil {
					b.Fatal(err)
				}
				var s feed.Store = memory.New(0)
				if store == "disk" {
					if s, err = disk.Open(b.TempDir(), disk.Options{Logger: quiet}); err != nil {
						b.Fatal(err)
					}
				}
				room := handlers.Register(io, newFeed(b, s, feed.Options{}),
					handlers.Options{Logger: quiet, MaxMessageRate: -1, MaxMessageByteRate: -1})
				benchmarkSay(b, room.Visit(newEar()), underWay)
				_ = io.Close(b.Context())
			})
		}
	}
}

func benchmarkSay(b *testing.B, guest *handlers.Guest, underWay int) {
	data := json.RawMessage(`"` + strings.Repeat("x", 126) + `"`)
	free := make(chan struct{}, underWay)
	told := func(_, failure any) {
		if failure != nil {
			b.Error(failure)
		}
		<-free
	}
	request := map[string]json.RawMessage{"data": data}
	b.ReportAllocs()
	for b.Loop() {
		free <- struct{}{}
		guest.Do("message", request, told)
	}
	for range underWay {
		free <- struct{}{}
	}
}
