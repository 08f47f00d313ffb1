package feed

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkAppend appends messages of 128 bytes with so many under way at a time: the commit is shared by those.
func BenchmarkAppend(b *testing.B) {
	for _, underWay := range []int{1, 4, 64, 1024} {
		for _, store := range []string{"memory", "disk"} {
			b.Run(fmt.Sprintf("%s/underway=%d", store, underWay), func(b *testing.B) {
				var s Store = NewMemory(0)
				if store == "disk" {
					s = openDisk(b, b.TempDir(), DiskOptions{})
				}
				benchmarkAppend(b, newLog(b, s, Options{}), underWay)
			})
		}
	}
}

func benchmarkAppend(b *testing.B, l *Log, underWay int) {
	e := said(strings.Repeat("x", 126))
	free := make(chan struct{}, underWay)
	done := func(_ *Entry, _ bool, err error) {
		if err != nil {
			b.Error(err)
		}
		<-free
	}
	b.ReportAllocs()
	before := processorTime()
	for b.Loop() {
		free <- struct{}{}
		if err := l.Append(e, done); err != nil {
			b.Fatal(err)
		}
	}
	for range underWay {
		free <- struct{}{}
	}
	b.ReportMetric(float64(processorTime()-before)/float64(b.N), "cpu-ns/op")
}

func BenchmarkRead(b *testing.B) {
	d := openDisk(b, b.TempDir(), DiskOptions{})
	batch := make([]Entry, 1000)
	for range 100 {
		for i := range batch {
			batch[i] = said(strings.Repeat("x", 126))
		}
		mustAppend(b, d, batch...)
	}
	for _, page := range []int{1, 50, 1000} {
		b.Run(fmt.Sprintf("page=%d", page), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				after := uint64(i * 7919 % (100_000 - page))
				if got, err := d.Read(after, page, 1<<30); err != nil || len(got) != page {
					b.Fatal(len(got), err)
				}
			}
		})
	}
}

// BenchmarkOpen opens a store of 100,000 entries, each with a key.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	d := openDisk(b, dir, DiskOptions{})
	for i := range 1000 {
		batch := make([]Entry, 100)
		for k := range batch {
			batch[k] = repeatable("ann", fmt.Sprint(i, k)+strings.Repeat("x", 100))
		}
		mustAppend(b, d, batch...)
	}
	_ = d.Close()
	b.ReportAllocs()
	for b.Loop() {
		d := openDisk(b, dir, DiskOptions{})
		_ = d.Close()
	}
}
