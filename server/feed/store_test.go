package feed

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

// onEachStore runs a test over every store. Reopen returns the store after an end and a new start, if it outlives that.
func onEachStore(t *testing.T, test func(t *testing.T, s Store, reopen func() Store)) {
	t.Run("memory", func(t *testing.T) {
		m := NewMemory(0)
		test(t, m, func() Store { return m })
	})
	t.Run("disk", func(t *testing.T) {
		dir := t.TempDir()
		opts := DiskOptions{SegmentBytes: 64 << 10} // several files come and go
		d := openDisk(t, dir, opts)
		test(t, d, func() Store {
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			d = openDisk(t, dir, opts)
			return d
		})
	})
}

func TestOffsetsAreGivenInOrderWithoutGaps(t *testing.T) {
	onEachStore(t, func(t *testing.T, s Store, reopen func() Store) {
		if first, last := s.Bounds(); first != 1 || last != 0 {
			t.Errorf("an empty store holds %d to %d", first, last)
		}
		got := mustAppend(t, s, said("a"), said("b"))
		s = reopen()
		got = append(got, mustAppend(t, s, said("c"))...)
		for i, e := range got {
			if e.Offset != uint64(i+1) {
				t.Errorf("entry %d got the offset %d", i, e.Offset)
			}
		}
		if beyond, err := s.Read(math.MaxUint64, 10, 1000); len(beyond) != 0 || err != nil {
			t.Errorf("after the greatest offset: %v, %v", beyond, err)
		}
		if all := everything(t, s); !reflect.DeepEqual(all, got) {
			t.Errorf("stored %v, read %v", got, all)
		}
	})
}

func TestAnEntryComesBackAsItWas(t *testing.T) {
	onEachStore(t, func(t *testing.T, s Store, reopen func() Store) {
		want := mustAppend(t, s, Entry{
			At: -5, From: "Ann\x00é", ID: "id", Key: "k", Sender: "s", Data: []byte(`{"_placeholder":true,"num":0}`),
			Attachments: [][]byte{bytes.Repeat([]byte{0}, 5000), {1, 2}},
		}, Entry{Data: []byte("null")})
		if got := everything(t, reopen()); !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestARepetitionIsNotStoredAgain(t *testing.T) {
	onEachStore(t, func(t *testing.T, s Store, reopen func() Store) {
		batch := []Entry{repeatable("ann", "1"), repeatable("bob", "1"), repeatable("ann", "1"), said("x"), said("x"),
			repeatable("an", "n1")}
		duplicates, err := s.Append(batch)
		if err != nil || !slices.Equal(duplicates, []int{2}) || batch[2].Offset != 1 || batch[3].Offset != 3 {
			t.Fatalf("duplicates %v, %v; entries %v", duplicates, err, batch)
		}
		s = reopen()
		batch = []Entry{said("y"), repeatable("ann", "1"), repeatable("bob", "1")}
		duplicates, err = s.Append(batch)
		if err != nil || !slices.Equal(duplicates, []int{1, 2}) || batch[1].Offset != 1 || batch[2].Offset != 2 {
			t.Fatalf("after a new start: duplicates %v, %v; entries %v", duplicates, err, batch)
		}
		if n := len(everything(t, s)); n != 6 {
			t.Errorf("%d entries are held", n)
		}
	})
}

func TestAKeyIsForgottenWithItsEntry(t *testing.T) {
	onEachStore(t, func(t *testing.T, s Store, reopen func() Store) {
		mustAppend(t, s, repeatable("ann", "1"))
		mustAppend(t, s, said("x"))
		retire(t, s, time.UnixMilli(1), Limits{Age: time.Hour, Entries: 1, Bytes: 1 << 20})
		again := mustAppend(t, s, repeatable("ann", "1"))
		if again[0].Offset != 3 {
			t.Fatalf("the key of a retired entry got the offset %d", again[0].Offset)
		}
		s = reopen()
		retire(t, s, time.UnixMilli(1), Limits{Age: time.Hour, Entries: 2, Bytes: 1 << 20})
		again = mustAppend(t, s, repeatable("ann", "1"))
		if again[0].Offset != 3 {
			t.Errorf("the newer entry of a key was forgotten with the older: %d", again[0].Offset)
		}
	})
}

func retire(t testing.TB, s Store, now time.Time, l Limits) {
	t.Helper()
	if err := s.Retire(now, l); err != nil {
		t.Fatal(err)
	}
}

func TestRetentionKeepsTheNewestByAgeNumberAndBytes(t *testing.T) {
	wide := Limits{Age: time.Hour, Entries: 1 << 20, Bytes: 1 << 30}
	onEachStore(t, func(t *testing.T, s Store, reopen func() Store) {
		for i := range 500 {
			e := said(fmt.Sprint(i, bytes.Repeat([]byte("x"), 500)))
			e.At = int64(i+1) * 1000
			mustAppend(t, s, e)
		}
		expect := func(want uint64) {
			t.Helper()
			if got := everything(t, s)[0].Offset; got != want {
				t.Errorf("the oldest entry is %d, want %d", got, want)
			}
		}
		retire(t, s, time.UnixMilli(500_000), wide)
		expect(1)
		limits := wide
		limits.Entries = 450
		retire(t, s, time.UnixMilli(500_000), limits)
		expect(51)
		limits = wide
		limits.Age = 300 * time.Second
		retire(t, s, time.UnixMilli(500_000), limits)
		expect(200)
		retire(t, s, time.UnixMilli(100_000), limits) // the clock was set back
		expect(200)
		s = reopen()
		expect(200)
		limits = wide
		limits.Bytes = 100 << 10
		retire(t, s, time.UnixMilli(500_000), limits)
		if first, _ := s.Bounds(); first < 400 || first > 480 {
			t.Errorf("of some 2 kB each, 100 KiB reach back to %d", first)
		}
		limits.Age = time.Second
		retire(t, s, time.UnixMilli(1_000_000), limits)
		if first, last := s.Bounds(); first != 501 || last != 500 || len(everything(t, s)) != 0 {
			t.Errorf("when all is retired, %d to %d are held", first, last)
		}
		s = reopen()
		if e := mustAppend(t, s, said("new")); e[0].Offset != 501 {
			t.Errorf("then an entry got the offset %d", e[0].Offset)
		}
	})
}

func TestRetiredFilesLeaveTheDisk(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir, DiskOptions{SegmentBytes: 16 << 10})
	for range 200 {
		mustAppend(t, d, said(string(bytes.Repeat([]byte("x"), 1000))))
	}
	before, _ := listSegments(dir)
	retire(t, d, time.UnixMilli(1), Limits{Age: time.Hour, Entries: 10, Bytes: 1 << 30})
	after, _ := listSegments(dir)
	if len(before) < 10 || len(after) > 2 {
		t.Errorf("there were %d files, and then %d", len(before), len(after))
	}
	retire(t, d, time.Now().Add(2*time.Hour), Limits{Age: time.Hour, Entries: 10, Bytes: 1 << 30})
	if after, _ = listSegments(dir); len(after) != 0 {
		t.Errorf("%d files hold nothing", len(after))
	}
	d = openDisk(t, copyOf(t, dir), DiskOptions{}) // as after a crash
	if e := mustAppend(t, d, said("more")); e[0].Offset != 201 || d.Damage() != nil {
		t.Errorf("after 200 entries came %d; damage %v", e[0].Offset, d.Damage())
	}
}

// TestAStoreDoesWhatAListWould tries random operations on each store and on a plain list.
func TestAStoreDoesWhatAListWould(t *testing.T) {
	for seed := range uint64(4) {
		onEachStore(t, func(t *testing.T, s Store, reopen func() Store) {
			m := &model{t: t, rnd: rand.New(rand.NewPCG(seed, 1)), store: s, keys: map[string]uint64{}}
			for range 300 {
				m.step(reopen)
			}
			t.Logf("seed %d: %d entries, %d held", seed, m.last, len(m.entries))
		})
	}
}

type model struct {
	t       *testing.T
	rnd     *rand.Rand
	store   Store
	entries []Entry
	last    uint64
	keys    map[string]uint64
}

func (m *model) step(reopen func() Store) {
	switch m.rnd.IntN(12) {
	case 0:
		m.store = reopen()
	case 1:
		m.retire()
	case 2, 3:
		m.read()
	case 4, 5:
		m.readBefore()
	default:
		m.append()
	}
	if first, last := m.store.Bounds(); last != m.last || first != m.last+1-uint64(len(m.entries)) {
		m.t.Fatalf("the store holds %d to %d; the list %d up to %d", first, last, len(m.entries), m.last)
	}
}

func (m *model) append() {
	var batch, want []Entry
	var wantDuplicates []int
	for i := range m.rnd.IntN(20) {
		e := said(string(bytes.Repeat([]byte("x"), m.rnd.IntN(3000))))
		if m.rnd.IntN(2) == 0 {
			e.Sender, e.Key = "s", fmt.Sprint(m.rnd.IntN(2000))
		}
		batch = append(batch, e)
		if offset, ok := m.keys[e.Key]; ok && e.Key != "" {
			e.Offset = offset
			wantDuplicates = append(wantDuplicates, i)
		} else {
			m.last++
			e.Offset = m.last
			m.entries = append(m.entries, e)
			m.keys[e.Key] = e.Offset
		}
		want = append(want, e)
	}
	duplicates, err := m.store.Append(batch)
	if err != nil || !slices.Equal(duplicates, wantDuplicates) || !reflect.DeepEqual(batch, want) {
		m.t.Fatalf("duplicates %v, want %v (%v)", duplicates, wantDuplicates, err)
	}
}

func (m *model) retire() {
	keep := m.rnd.IntN(len(m.entries) + 20)
	retire(m.t, m.store, time.UnixMilli(1), Limits{Age: time.Hour, Entries: keep, Bytes: 1 << 40})
	for len(m.entries) > keep {
		if m.keys[m.entries[0].Key] == m.entries[0].Offset {
			delete(m.keys, m.entries[0].Key)
		}
		m.entries = m.entries[1:]
	}
}

func (m *model) page() (at uint64, limit, maxBytes int) {
	at = m.last + 5 - min(m.last+5, uint64(m.rnd.IntN(len(m.entries)+20)))
	return at, m.rnd.IntN(60), m.rnd.IntN(60_000)
}

func (m *model) read() {
	after, limit, maxBytes := m.page()
	i := slices.IndexFunc(m.entries, func(e Entry) bool { return e.Offset > after })
	var want []Entry
	if i >= 0 {
		w := window{entries: limit, bytes: maxBytes}
		want = w.head(m.entries[i:])
	}
	got, err := m.store.Read(after, limit, maxBytes)
	m.same(got, want, err)
}

func (m *model) readBefore() {
	before, limit, maxBytes := m.page()
	n := 0
	for n < len(m.entries) && m.entries[n].Offset < before {
		n++
	}
	w := window{entries: limit, bytes: maxBytes}
	want := w.tail(m.entries[:n])
	got, err := m.store.ReadBefore(before, limit, maxBytes)
	m.same(got, want, err)
}

func (m *model) same(got, want []Entry, err error) {
	if err != nil || len(got) != len(want) || (len(want) > 0 && !reflect.DeepEqual(got, want)) {
		m.t.Fatalf("read %d entries, want %d (%v)", len(got), len(want), err)
	}
}
