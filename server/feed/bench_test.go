package feed_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/disk"
	"github.com/crier/crier/server/feed/internal/feedtest"
	"github.com/crier/crier/server/feed/memory"
)

// BenchmarkAppend appends messages of 128 bytes with so many under way at a time: the commit is shared by those.
func BenchmarkAppend(b *testing.B) {
	for _, underWay := range []int{1, 4, 64, 1024} {
		for _, store := range []string{"memory", "disk"} {
			b.Run(fmt.Sprintf("%s/underway=%d", store, underWay), func(b *testing.B) {
				var s feed.Store = memory.New(0)
				if store == "disk" {
					s = openDisk(b, b.TempDir(), disk.Options{})
				}
				benchmarkAppend(b, feedtest.NewLog(b, s, feed.Options{}), underWay)
			})
		}
	}
}

func benchmarkAppend(b *testing.B, l *feed.Log, underWay int) {
	e := feedtest.Said(strings.Repeat("x", 126))
	free := make(chan struct{}, underWay)
	done := func(_ feed.Result, err error) {
		if err != nil {
			b.Error(err)
		}
		<-free
	}
	b.ReportAllocs()
	before := processorTime()
	for b.Loop() {
		free <- struct{}{}
		if err := l.Append("", e, done); err != nil {
			b.Fatal(err)
		}
	}
	for range underWay {
		free <- struct{}{}
	}
	b.ReportMetric(float64(processorTime()-before)/float64(b.N), "cpu-ns/op")
}
