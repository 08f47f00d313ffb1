package disk

import (
	"fmt"
	"strings"
	"testing"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/internal/feedtest"
)

func BenchmarkRead(b *testing.B) {
	d := openDisk(b, b.TempDir(), Options{})
	batch := make([]feed.Entry, 1000)
	for range 100 {
		for i := range batch {
			batch[i] = feedtest.Said(strings.Repeat("x", 126))
		}
		feedtest.MustAppend(b, d, batch...)
	}
	for _, page := range []int{1, 50, 1000} {
		b.Run(fmt.Sprintf("page=%d", page), func(b *testing.B) {
			b.ReportAllocs()
			base := d.Bounds().First - 1
			for i := 0; b.Loop(); i++ {
				after := base + uint64(i*7919%(100_000-page))
				if got, err := d.Read(b.Context(), after, page, 1<<30); err != nil || len(got) != page {
					b.Fatal(len(got), err)
				}
			}
		})
	}
}

// BenchmarkOpen opens a store of 100,000 entries, each with a key.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	d := openDisk(b, dir, Options{})
	for i := range 1000 {
		batch := make([]feed.Entry, 100)
		for k := range batch {
			batch[k] = feedtest.Repeatable("ann", fmt.Sprint(i, k)+strings.Repeat("x", 100))
		}
		feedtest.MustAppend(b, d, batch...)
	}
	_ = d.Close()
	b.ReportAllocs()
	for b.Loop() {
		d := openDisk(b, dir, Options{})
		_ = d.Close()
	}
}
