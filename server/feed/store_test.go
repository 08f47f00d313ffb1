package feed_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/crier/crier/server/feed"
	"github.com/crier/crier/server/feed/disk"
	"github.com/crier/crier/server/feed/internal/feedtest"
	"github.com/crier/crier/server/feed/memory"
)

// onEachStore runs a test over every store. Reopen returns the store after an end and a new start, if it outlives
// that.
func onEachStore(t *testing.T, test func(t *testing.T, s feed.Store, reopen func() feed.Store)) {
	t.Run("memory", func(t *testing.T) {
		m := memory.New(0)
		test(t, m, func() feed.Store { return m })
	})
	t.Run("disk", func(t *testing.T) {
		dir := t.TempDir()
		opts := disk.Options{SegmentBytes: 64 << 10} // several files come and go
		d := openDisk(t, dir, opts)
		test(t, d, func() feed.Store {
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			d = openDisk(t, dir, opts)
			return d
		})
	})
}

func TestOffsetsAreGivenInOrderWithoutGaps(t *testing.T) {
	onEachStore(t, func(t *testing.T, s feed.Store, reopen func() feed.Store) {
		base := s.Bounds().Last
		if b := s.Bounds(); b.First != base+1 {
			t.Errorf("an empty store holds %+v", b)
		}
		got := feedtest.MustAppend(t, s, feedtest.Said("a"), feedtest.Said("b"))
		s = reopen()
		got = append(got, feedtest.MustAppend(t, s, feedtest.Said("c"))...)
		for i, e := range got {
			if e.Offset != base+uint64(i+1) {
				t.Errorf("entry %d got the offset %d", i, e.Offset)
			}
		}
		if beyond, err := s.Read(t.Context(), math.MaxUint64, 10, 1000); len(beyond) != 0 || err != nil {
			t.Errorf("after the greatest offset: %v, %v", beyond, err)
		}
		if all := feedtest.Everything(t, s); !reflect.DeepEqual(all, got) {
			t.Errorf("stored %v, read %v", got, all)
		}
	})
}

func TestAnEntryComesBackAsItWas(t *testing.T) {
	onEachStore(t, func(t *testing.T, s feed.Store, reopen func() feed.Store) {
		want := feedtest.MustAppend(t, s, feed.Entry{
			At: -5, From: "Ann\x00é", ID: "id", Key: "k", Owner: "s", Data: []byte(`{"_placeholder":true,"num":0}`),
			Attachments: [][]byte{bytes.Repeat([]byte{0}, 5000), {1, 2}},
		}, feed.Entry{Data: []byte("null")})
		if got := feedtest.Everything(t, reopen()); !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestARepetitionIsNotStoredAgain(t *testing.T) {
	onEachStore(t, func(t *testing.T, s feed.Store, reopen func() feed.Store) {
		base := s.Bounds().Last
		other := feedtest.Repeatable("bob", "1")
		other.Data = []byte("2")
		for _, c := range []struct {
			batch    []feed.Entry
			offsets  []uint64 // above base
			repeated []int
			same     []int
		}{
			{[]feed.Entry{feedtest.Repeatable("ann", "1"), feedtest.Repeatable("bob", "1"), feedtest.Repeatable("ann", "1"),
				feedtest.Said("x"), feedtest.Said("x"), feedtest.Repeatable("an", "n1")}, []uint64{1, 2, 1, 3, 4, 5}, []int{2},
				[]int{2}},
			{[]feed.Entry{feedtest.Said("y"), feedtest.Repeatable("ann", "1"), other}, []uint64{6, 1, 2}, []int{1, 2}, []int{1}},
		} {
			results, err := feedtest.Append(s, c.batch)
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range results {
				want := feed.Result{Offset: base + c.offsets[i], At: r.At,
					Repeated: slices.Contains(c.repeated, i), Same: slices.Contains(c.same, i)}
				if r != want || r.At == 0 {
					t.Errorf("entry %d: %+v, want %+v", i, r, want)
				}
			}
			s = reopen()
		}
		if n := len(feedtest.Everything(t, s)); n != 6 {
			t.Errorf("%d entries are held", n)
		}
	})
}

func TestARepetitionIsKnownWithoutStoringAnything(t *testing.T) {
	onEachStore(t, func(t *testing.T, s feed.Store, reopen func() feed.Store) {
		said := feedtest.MustAppend(t, s, feedtest.Repeatable("ann", "1"), feedtest.Said("x"),
			feedtest.Repeatable("bob", "1"))
		other := said[0]
		other.Data = []byte("2")
		for range 2 {
			before := s.Bounds()
			for i, e := range said {
				want := feed.Result{Offset: e.Offset, At: e.At, Repeated: true, Same: true}
				if got, known := s.Known(&e); known != (i != 1) || known && got != want {
					t.Errorf("of entry %d it knows %+v, %v", i, got, known)
				}
			}
			if got, known := s.Known(&other); !known || got.Same || got.Offset != said[0].Offset {
				t.Errorf("of other data under the same key it knows %+v, %v", got, known)
			}
			never := feedtest.Repeatable("ann", "2")
			if got, known := s.Known(&never); known {
				t.Errorf("of what was never said it knows %+v", got)
			}
			if after := s.Bounds(); after != before {
				t.Errorf("the bounds were %+v, and are %+v", before, after)
			}
			s = reopen()
		}
		feedtest.Retire(t, s, time.UnixMilli(1), feed.Limits{Age: time.Hour, Entries: 1, Bytes: 1 << 20})
		for i, e := range said {
			if got, known := s.Known(&e); known != (i == 2) {
				t.Errorf("after all but the last were retired, of entry %d it knows %+v, %v", i, got, known)
			}
		}
	})
}

// The bytes of a batch may be refused, and its offsets be given to another.
func TestARepetitionIsNotKnownBeforeTheFirstIsPublished(t *testing.T) {
	l := feedtest.NewLog(t, hastyStore{memory.New(0)}, feed.Options{})
	e := feedtest.Repeatable("ann", "1")
	if got, known := l.Known(&e); known {
		t.Errorf("it knows %+v", got)
	}
	feedtest.AppendAndWait(t, l, e)
	if got, known := l.Known(&e); !known || got.Offset != 1 {
		t.Errorf("then it knows %+v, %v", got, known)
	}
	if n := l.Stats().Repeated; n != 1 {
		t.Errorf("%d are counted as repeated", n)
	}
}

// hastyStore tells of what is not stored yet.
type hastyStore struct{ feed.Store }

func (hastyStore) Known(*feed.Entry) (feed.Result, bool) {
	return feed.Result{Offset: 1, Repeated: true, Same: true}, true
}

func TestAKeyIsForgottenWithItsEntry(t *testing.T) {
	onEachStore(t, func(t *testing.T, s feed.Store, reopen func() feed.Store) {
		base := s.Bounds().Last
		feedtest.MustAppend(t, s, feedtest.Repeatable("ann", "1"))
		feedtest.MustAppend(t, s, feedtest.Said("x"))
		feedtest.Retire(t, s, time.UnixMilli(1), feed.Limits{Age: time.Hour, Entries: 1, Bytes: 1 << 20})
		again := feedtest.MustAppend(t, s, feedtest.Repeatable("ann", "1"))
		if again[0].Offset != base+3 {
			t.Fatalf("the key of a retired entry got the offset %d", again[0].Offset)
		}
		s = reopen()
		feedtest.Retire(t, s, time.UnixMilli(1), feed.Limits{Age: time.Hour, Entries: 2, Bytes: 1 << 20})
		again = feedtest.MustAppend(t, s, feedtest.Repeatable("ann", "1"))
		if again[0].Offset != base+3 {
			t.Errorf("the newer entry of a key was forgotten with the older: %d", again[0].Offset)
		}
	})
}

func TestRetentionKeepsTheNewestByAgeNumberAndBytes(t *testing.T) {
	wide := feed.Limits{Age: time.Hour, Entries: 1 << 20, Bytes: 1 << 30}
	onEachStore(t, func(t *testing.T, s feed.Store, reopen func() feed.Store) {
		base := s.Bounds().Last
		for i := range 500 {
			e := feedtest.Said(fmt.Sprint(i, bytes.Repeat([]byte("x"), 500)))
			e.At = int64(i+1) * 1000
			feedtest.MustAppend(t, s, e)
		}
		expect := func(want uint64) {
			t.Helper()
			if got := feedtest.Everything(t, s)[0].Offset - base; got != want {
				t.Errorf("the oldest entry is %d, want %d", got, want)
			}
		}
		feedtest.Retire(t, s, time.UnixMilli(500_000), wide)
		expect(1)
		limits := wide
		limits.Entries = 450
		feedtest.Retire(t, s, time.UnixMilli(500_000), limits)
		expect(51)
		limits = wide
		limits.Age = 300 * time.Second
		feedtest.Retire(t, s, time.UnixMilli(500_000), limits)
		expect(200)
		feedtest.Retire(t, s, time.UnixMilli(100_000), limits) // the clock was set back
		expect(200)
		s = reopen()
		expect(200)
		limits = wide
		limits.Bytes = 100 << 10
		feedtest.Retire(t, s, time.UnixMilli(500_000), limits)
		if first := s.Bounds().First - base; first < 400 || first > 480 {
			t.Errorf("of some 2 kB each, 100 KiB reach back to %d", first)
		}
		limits.Age = time.Second
		feedtest.Retire(t, s, time.UnixMilli(1_000_000), limits)
		if b := s.Bounds(); b.First != base+501 || b.Last != base+500 || len(feedtest.Everything(t, s)) != 0 {
			t.Errorf("when all is retired, %+v is held", b)
		}
		s = reopen()
		if e := feedtest.MustAppend(t, s, feedtest.Said("new")); e[0].Offset != base+501 {
			t.Errorf("then an entry got the offset %d", e[0].Offset)
		}
	})
}

// Once limits were applied, Append keeps within those for entries and bytes.
func TestAppendKeepsWithinTheLimits(t *testing.T) {
	onEachStore(t, func(t *testing.T, s feed.Store, _ func() feed.Store) {
		base := s.Bounds().Last
		s.Limit(time.Now(), feed.Limits{Age: time.Hour, Entries: 10, Bytes: 1 << 20})
		for i := range uint64(100) {
			feedtest.MustAppend(t, s, feedtest.Said("a"))
			if b := s.Bounds(); b.First != base+max(10, i+1)-9 || len(feedtest.Everything(t, s)) != int(min(10, i+1)) {
				t.Fatalf("after %d entries: %+v", i+1, b)
			}
		}
		s.Limit(time.Now(), feed.Limits{Age: time.Hour, Entries: 100, Bytes: 5000})
		for i := range 30 {
			feedtest.MustAppend(t, s, feedtest.Said(string(bytes.Repeat([]byte("x"), 1000))))
			if n := len(feedtest.Everything(t, s)); i > 10 && (n > 5 || n < 3) {
				t.Fatalf("%d entries of more than 1,000 bytes are held", n)
			}
		}
	})
}

// TestAStoreDoesWhatAListWould tries random operations on each store and on a plain list.
func TestAStoreDoesWhatAListWould(t *testing.T) {
	for seed := range uint64(4) {
		onEachStore(t, func(t *testing.T, s feed.Store, reopen func() feed.Store) {
			m := &model{t: t, rnd: rand.New(rand.NewPCG(seed, 1)), store: s, last: s.Bounds().Last, keys: map[string]uint64{}}
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
	store   feed.Store
	entries []feed.Entry
	last    uint64
	keys    map[string]uint64
}

func (m *model) step(reopen func() feed.Store) {
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
	if b := m.store.Bounds(); b.Last != m.last || b.First != m.last+1-uint64(len(m.entries)) {
		m.t.Fatalf("the store holds %+v; the list %d up to %d", b, len(m.entries), m.last)
	}
}

func (m *model) append() {
	var batch, want []feed.Entry
	var wantRepeated []int
	for i := range m.rnd.IntN(20) {
		e := feedtest.Said(string(bytes.Repeat([]byte("x"), m.rnd.IntN(3000))))
		if m.rnd.IntN(2) == 0 {
			e.Owner, e.Key = "s", fmt.Sprint(m.rnd.IntN(2000))
		}
		batch = append(batch, e)
		if offset, ok := m.keys[e.Key]; ok && e.Key != "" {
			e.Offset = offset
			wantRepeated = append(wantRepeated, i)
		} else {
			m.last++
			e.Offset = m.last
			m.entries = append(m.entries, e)
			m.keys[e.Key] = e.Offset
		}
		want = append(want, e)
	}
	results, err := feedtest.Append(m.store, batch)
	var repeated []int
	for i, r := range results {
		if r.Repeated {
			repeated = append(repeated, i)
		}
	}
	if err != nil || !slices.Equal(repeated, wantRepeated) || !reflect.DeepEqual(batch, want) {
		m.t.Fatalf("repeated %v, want %v (%v)", repeated, wantRepeated, err)
	}
}

func (m *model) retire() {
	keep := m.rnd.IntN(len(m.entries) + 20)
	feedtest.Retire(m.t, m.store, time.UnixMilli(1), feed.Limits{Age: time.Hour, Entries: keep, Bytes: 1 << 40})
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
	i := slices.IndexFunc(m.entries, func(e feed.Entry) bool { return e.Offset > after })
	var want []feed.Entry
	if i >= 0 {
		w := feed.Window{Entries: limit, Bytes: maxBytes}
		want = w.Head(m.entries[i:])
	}
	got, err := m.store.Read(m.t.Context(), after, limit, maxBytes)
	m.same(got, want, err)
}

func (m *model) readBefore() {
	before, limit, maxBytes := m.page()
	n := 0
	for n < len(m.entries) && m.entries[n].Offset < before {
		n++
	}
	w := feed.Window{Entries: limit, Bytes: maxBytes}
	want := w.Tail(m.entries[:n])
	got, err := m.store.ReadBefore(m.t.Context(), before, limit, maxBytes)
	m.same(got, want, err)
}

func (m *model) same(got, want []feed.Entry, err error) {
	if err != nil || len(got) != len(want) || (len(want) > 0 && !reflect.DeepEqual(got, want)) {
		m.t.Fatalf("read %d entries, want %d (%v)", len(got), len(want), err)
	}
}
