package handlers_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/crier/crier/handlers"
	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/socketio"
)

// BenchmarkSay has a guest say messages of 128 bytes, so many under way at a time, to nobody: what is measured is the way
// through the feed to the answer.
func BenchmarkSay(b *testing.B) {
	for _, store := range []string{"memory", "disk"} {
		for _, underWay := range []int{1, 16} {
			b.Run(fmt.Sprintf("%s/underway=%d", store, underWay), func(b *testing.B) {
				io, err := socketio.New(socketio.Options{Logger: quiet})
				if err != nil {
					b.Fatal(err)
				}
				var s feed.Store = feed.NewMemory(0)
				if store == "disk" {
					if s, err = feed.OpenDisk(b.TempDir(), feed.DiskOptions{Logger: quiet}); err != nil {
						b.Fatal(err)
					}
				}
				room := handlers.Register(io, newFeed(b, s, feed.Options{}), handlers.Options{Logger: quiet})
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
	b.ReportAllocs()
	for b.Loop() {
		free <- struct{}{}
		guest.Say(data, nil, told)
	}
	for range underWay {
		free <- struct{}{}
	}
}
