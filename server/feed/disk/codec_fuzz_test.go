package disk

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"testing"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/internal/feedtest"
)

func FuzzEntry(f *testing.F) {
	f.Add(int64(1), uint8(0), "", "ann", "a1", "key", "sender", []byte(`"hello"`), []byte{1}, []byte{})
	f.Add(int64(-1), uint8(255), "room", "", "", "", "", []byte{}, bytes.Repeat([]byte{0}, 600), []byte(batchMagic))
	f.Fuzz(func(t *testing.T, at int64, kind uint8, room, from, id, key, sender string, data, a, b []byte) {
		want := feed.Entry{Offset: 7, At: at, Kind: feed.Kind(kind), Room: room, From: from, ID: id, Key: key, Owner: sender,
			Data: data, Attachments: [][]byte{a, b}}
		batch := appendEntry(make([]byte, batchHeader), &want)
		sealBatch(batch, 7, 1, 5)
		var got []feed.Entry
		if _, err := parseBatch(append(batch, a...), 5, allOffsets,
			func(e *feed.Entry) { got = append(got, *e) }); err != nil {
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
		_, skipped := parseBatch(batch, 5, offsets{1, 0}, func(*feed.Entry) { t.Error("not wanted") })
		if (skipped == nil) != (err == nil) {
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
	f.Add(append(sealHole(40, 5), append(make([]byte, 12), next...)...))
	f.Fuzz(func(t *testing.T, content []byte) {
		data := append(appendSegmentHeader(nil, segmentLatest, 1, 5), content...)
		c := scan(data, nil, nil)
		if c.end > int64(len(data)) {
			t.Fatalf("read up to byte %d of %d", c.end, len(data))
		}
		at, last := int64(segmentHeader), uint64(0)
		for _, p := range c.pieces {
			if p.from < at || p.first <= last {
				t.Fatalf("a batch at byte %d with entry %d behind byte %d and entry %d", p.from, p.first, at, last)
			}
			at, last = p.to, p.next()-1
		}
		for i, f := range c.flaws {
			if f.from >= f.to || i > 0 && f.from < c.flaws[i-1].to || f.to > int64(len(data)) {
				t.Fatalf("a flaw from %d to %d of %d", f.from, f.to, len(data))
			}
		}
	})
}

// FuzzSegment opens a store whose file is anything, and expects one that works, now and when it is opened again.
func FuzzSegment(f *testing.F) {
	e := feedtest.Repeatable("ann", "1")
	batch := appendEntry(make([]byte, batchHeader), &e)
	sealBatch(batch, 1, 1, 5)
	whole := append(appendSegmentHeader(nil, segmentLatest, 1, 5), batch...)
	f.Add(whole, "", "")
	f.Add(whole[:len(whole)-3], mark{reserved: 100}.String(), "")
	f.Add(append(whole, batch...), mark{reserved: 100, closed: true, first: 1, last: 9}.String(), "")
	f.Add(append(whole, make([]byte, 1000)...), "crier feed 1: reserved 1",
		(&state{lives: []life{{1, 1}}, tail: 1}).String())
	f.Add([]byte(batchMagic+batchMagic), "", "crier feed 2: ")
	f.Fuzz(func(t *testing.T, segment []byte, mark, state string) {
		disk := newSim()
		must := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		must(disk.mkdir("/data"))
		must(writeFile(disk, segmentPath("/data", 1), segment))
		if mark != "" {
			must(writeFile(disk, oldMarkPath("/data"), []byte(mark)))
		}
		if state != "" {
			must(writeFile(disk, statePath("/data"), []byte(state)))
		}
		d, err := Open("/data", Options{files: disk, Logger: feedtest.Quiet})
		if errors.Is(err, errNewer) {
			return
		}
		must(err)
		held := feedtest.Everything(t, d)
		if last := d.Bounds().Last; last < 1<<62 {
			e := feedtest.MustAppend(t, d, feedtest.Said("more"))[0]
			if e.Offset != last+1 || len(feedtest.Everything(t, d)) != len(held)+1 {
				t.Errorf("the next offset is %d after %d", e.Offset, last)
			}
			must(d.Close())
			d, err = Open("/data", Options{files: disk, Logger: feedtest.Quiet})
			must(err)
			if len(feedtest.Everything(t, d)) != len(held)+1 || d.Bounds().Last != last+1 || d.Damage() != nil {
				t.Errorf("opened again: %+v, %v", d.Bounds(), d.Damage())
			}
		}
		must(d.Close())
	})
}
