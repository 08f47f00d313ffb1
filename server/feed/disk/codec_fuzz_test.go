package disk

import (
	"bytes"
	"math"
	"os"
	"reflect"
	"testing"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/internal/feedtest"
)

func FuzzEntry(f *testing.F) {
	f.Add(int64(1), "ann", "a1", "key", "sender", []byte(`"hello"`), []byte{1}, []byte{})
	f.Add(int64(-1), "", "", "", "", []byte{}, bytes.Repeat([]byte{0}, 600), []byte(batchMagic))
	f.Fuzz(func(t *testing.T, at int64, from, id, key, sender string, data, a, b []byte) {
		want := feed.Entry{Offset: 7, At: at, From: from, ID: id, Key: key, Owner: sender, Data: data, Attachments: [][]byte{a, b}}
		batch := appendEntry(make([]byte, batchHeader), &want)
		sealBatch(batch, 7, 1, 5)
		var got []feed.Entry
		if _, err := parseBatch(append(batch, a...), 5, allOffsets, func(e *feed.Entry) { got = append(got, *e) }); err != nil {
			t.Fatal(err)
		}
		if len(got) != 1 || !reflect.DeepEqual(got[0], want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// FuzzPayload seals whatever comes, so that the fuzzer need not find checksums.
func FuzzPayload(f *testing.F) {
	e := feedtest.Repeatable("ann", "1")
	e.Attachments = [][]byte{{1, 2, 3}}
	f.Add(appendEntry(appendEntry(nil, &e), &e), 2)
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f}, 1)
	f.Add([]byte{}, math.MaxInt32)
	f.Fuzz(func(t *testing.T, payload []byte, count int) {
		batch := append(make([]byte, batchHeader), payload...)
		sealBatch(batch, 1, count, 5)
		var again []byte
		n := 0
		_, err := parseBatch(batch, 5, allOffsets, func(e *feed.Entry) {
			n++
			again = appendEntry(again, e)
		})
		if _, skipped := parseBatch(batch, 5, offsets{1, 0}, func(*feed.Entry) { t.Error("not wanted") }); (skipped == nil) != (err == nil) {
			t.Errorf("read: %v; skipped: %v", err, skipped)
		}
		if n > len(payload) {
			t.Fatalf("%d entries in %d bytes", n, len(payload))
		}
		if err == nil && len(again) > len(payload) {
			t.Errorf("%d bytes became %d", len(payload), len(again))
		}
	})
}

// FuzzScan reads whatever follows the header of a segment.
func FuzzScan(f *testing.F) {
	e := feedtest.Repeatable("ann", "1")
	batch := appendEntry(make([]byte, batchHeader), &e)
	sealBatch(batch, 1, 1, 5)
	next := appendEntry(make([]byte, batchHeader), &e)
	sealBatch(next, 2, 1, 5)
	f.Add(append(batch, next...))
	f.Add(append(batch, next[:30]...))
	f.Add(append(append(batch, make([]byte, 700)...), next...))
	f.Fuzz(func(t *testing.T, content []byte) {
		data := append(appendSegmentHeader(nil, 1, 5), content...)
		s := scanned{segment: &segment{base: 1, salt: 5, end: segmentHeader}, next: 1}
		s.scan(data)
		if s.end > int64(len(data)) || s.next-1 < uint64(len(s.keys)) {
			t.Fatalf("read up to byte %d of %d, entry %d, %d keys", s.end, len(data), s.next-1, len(s.keys))
		}
		again := scanned{segment: &segment{base: 1, salt: 5, end: segmentHeader}, next: 1}
		again.scan(data[:s.end])
		if again.fault != nil || again.next != s.next {
			t.Errorf("what was whole up to entry %d is so up to %d: %v", s.next-1, again.next-1, again.fault)
		}
	})
}

// FuzzSegment opens a store whose file is anything, and expects one that works.
func FuzzSegment(f *testing.F) {
	e := feedtest.Repeatable("ann", "1")
	batch := appendEntry(make([]byte, batchHeader), &e)
	sealBatch(batch, 1, 1, 5)
	whole := append(appendSegmentHeader(nil, 1, 5), batch...)
	f.Add(whole, "")
	f.Add(whole[:len(whole)-3], mark{reserved: 100}.String())
	f.Add(append(whole, batch...), mark{reserved: 100, closed: true, first: 1, last: 9}.String())
	f.Add(append(whole, make([]byte, 1000)...), "crier feed 1: reserved 1")
	f.Add([]byte(batchMagic+batchMagic), "")
	f.Fuzz(func(t *testing.T, segment []byte, mark string) {
		dir := t.TempDir()
		if err := os.WriteFile(segmentPath(dir, 1), segment, 0o600); err != nil {
			t.Fatal(err)
		}
		if mark != "" {
			if err := os.WriteFile(markPath(dir), []byte(mark), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		d := openDisk(t, dir, Options{})
		defer d.Close()
		held := feedtest.Everything(t, d)
		if last := d.Bounds().Last; last < 1<<63 {
			if e := feedtest.MustAppend(t, d, feedtest.Said("more")); e[0].Offset != last+1 || len(feedtest.Everything(t, d)) != len(held)+1 {
				t.Errorf("the next offset is %d after %d", e[0].Offset, last)
			}
		}
	})
}
