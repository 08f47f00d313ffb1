package outbound

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
)

// pinned returns how much memory keeps alive because q points at it.
func (q *queue) pinned() (n int) {
	n = cap(q.own)
	seen := map[*chunk]bool{}
	for _, f := range q.loose {
		if !seen[f.chunk] {
			seen[f.chunk] = true
			n += len(f.chunk.buf)
		}
	}
	return n
}

// pieces returns how many slices q would yield.
func (q *queue) pieces() int {
	if len(q.own) > 0 {
		return 1 + len(q.loose)
	}
	return len(q.loose)
}

// randomBytes are long enough that pieces of them are told apart.
var randomBytes = noise(8 * chunkSize)

// randomFrames puts n bytes into the arena.
func randomFrames(a *Arena, rnd *rand.Rand, n int) (Frames, []byte) {
	start := rnd.IntN(len(randomBytes) - n)
	b := randomBytes[start : start+n]
	return a.Put(b), b
}

// randomSize is mostly that of a short frame, sometimes nothing, sometimes more than a chunk.
func randomSize(rnd *rand.Rand) int {
	switch rnd.IntN(40) {
	case 0:
		return 0
	case 1:
		return rnd.IntN(2 * chunkSize)
	case 2:
		return chunkSize/4 + rnd.IntN(2)
	}
	return 1 + rnd.IntN(300)
}

func TestAQueueGivesBackWhatWasPushedOnceAndInOrder(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		var a Arena
		var q queue
		var model []byte
		largest := chunkSize
		hears := 1 + rnd.IntN(5) // one frame in so many is for this queue
		for step := range 500 {
			if rnd.IntN(60) == 0 {
				if got := bytes.Join(q.take(nil), nil); !bytes.Equal(got, model) {
					t.Fatalf("seed %d, step %d: took %d bytes, want %d", seed, step, len(got), len(model))
				}
				model = model[:0]
			}
			f, b := randomFrames(&a, rnd, randomSize(rnd))
			if rnd.IntN(hears) > 0 {
				continue
			}
			q.push(f)
			model = append(model, b...)
			largest = max(largest, len(b))
			if q.size != len(model) {
				t.Fatalf("seed %d, step %d: size is %d, want %d", seed, step, q.size, len(model))
			}
			if limit := 2*len(model) + maxPieces*largest + 1024; q.pinned() > limit || q.pieces() > maxPieces {
				t.Fatalf("seed %d, step %d: %d pieces pin %d bytes for %d that wait",
					seed, step, q.pieces(), q.pinned(), len(model))
			}
		}
	}
}

func TestFramesSideBySideAreOnePiece(t *testing.T) {
	var a Arena
	var q queue
	for i := range 100 {
		q.push(a.Put(fmt.Appendf(nil, "frame %d", i)))
	}
	if len(q.loose) != 1 || len(q.own) != 0 {
		t.Errorf("%d pieces and %d copied bytes, want one piece", len(q.loose), len(q.own))
	}
}

func TestFramesOfDifferentChunksAreNeverJoined(t *testing.T) {
	var q queue
	one, two := &chunk{buf: []byte("abcdef")}, &chunk{buf: []byte("ABCDEF")}
	q.push(Frames{one, 0, 3})
	q.push(Frames{two, 3, 6}) // begins where the last one ended, elsewhere
	q.push(Frames{two, 0, 3}) // the same chunk, but not behind it
	if got := bytes.Join(q.take(nil), nil); string(got) != "abcDEFABC" {
		t.Errorf("took %q", got)
	}
}

func TestAQueueThatHearsFewFramesPinsFewChunks(t *testing.T) {
	var a Arena
	var q queue
	other := make([]byte, chunkSize/8)
	for range 1000 { // one frame of 100 bytes in each chunk
		q.push(a.Put(make([]byte, 100)))
		for range 8 {
			a.Put(other)
		}
	}
	if q.size != 100_000 || q.pinned() > 2*q.size+maxPieces*chunkSize {
		t.Errorf("%d bytes that wait pin %d", q.size, q.pinned())
	}
}

func TestAQueueThatWasTakenPinsNothing(t *testing.T) {
	var a Arena
	var q queue
	for range 20 {
		q.push(a.Put(make([]byte, chunkSize)))
	}
	q.take(nil)
	for _, f := range q.loose[:cap(q.loose)] {
		if f.chunk != nil {
			t.Error("a chunk is kept alive by an empty queue")
		}
	}
	if q.own != nil || q.size != 0 {
		t.Errorf("%d own bytes, size %d", len(q.own), q.size)
	}
}

func TestAnArenaNeverChangesWhatItHandedOut(t *testing.T) {
	var a Arena
	rnd := rand.New(rand.NewPCG(1, 2))
	var all []Frames
	var want [][]byte
	for range 2000 {
		f, b := randomFrames(&a, rnd, randomSize(rnd))
		all, want = append(all, f), append(want, b)
	}
	for i, f := range all {
		if !bytes.Equal(f.Bytes(), want[i]) || f.Len() != len(want[i]) {
			t.Fatalf("frames %d are not what was put", i)
		}
		if len(want[i]) > 0 && cap(f.Bytes()) != len(want[i]) {
			t.Fatalf("an append to frames %d would write into their neighbours", i)
		}
	}
	if f := (Frames{}); f.Bytes() != nil || f.Len() != 0 {
		t.Error("the zero value holds something")
	}
	parts := a.Put([]byte("one"), nil, []byte("two"))
	if string(parts.Bytes()) != "onetwo" {
		t.Errorf("parts lie as %q", parts.Bytes())
	}
}

func TestFramesThatManyPutAtOnceAreEachWhole(t *testing.T) {
	var a Arena
	var putting sync.WaitGroup
	for g := range 4 {
		putting.Go(func() {
			var all []Frames
			for k := range 3000 { // many chunks, so that putters meet at their ends
				all = append(all, a.Put(fmt.Appendf(nil, "%d ", g), fmt.Appendf(nil, "%d", k)))
			}
			for k, f := range all {
				if want := fmt.Sprintf("%d %d", g, k); string(f.Bytes()) != want {
					t.Errorf("put %q, and %q lies there", want, f.Bytes())
					return
				}
			}
		})
	}
	putting.Wait()
}

func TestFramesThatAreTakenInPartsAreCutBetweenPushes(t *testing.T) {
	for seed := range uint64(100) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		var a Arena
		var q queue
		var pushed, took [][]byte
		hears := 1 + rnd.IntN(3)
		for range 200 {
			b := append(noise(rnd.IntN(300)), ';') // a push ends with its only semicolon
			for i := range b[:len(b)-1] {
				b[i] |= 0x80
			}
			if f := a.Put(b); rnd.IntN(hears) == 0 {
				q.push(f)
				pushed = append(pushed, b)
			}
			if rnd.IntN(50) > 0 {
				continue
			}
			n, before := rnd.IntN(2000), q.size
			got := bytes.Join(q.takeUpTo(n, lastSemicolon), nil)
			if q.size != before-len(got) {
				t.Fatalf("seed %d: %d bytes were held, %d taken, %d are left", seed, before, len(got), q.size)
			}
			whole := bytes.SplitAfter(got, []byte{';'})
			whole = whole[:len(whole)-1]
			torn := len(bytes.Join(whole, nil)) != len(got)
			if torn || before > 0 && len(whole) == 0 || len(got) > n && len(whole) > 1 {
				t.Fatalf("seed %d: took %d bytes, %d whole pushes, for at most %d", seed, len(got), len(whole), n)
			}
			if next := len(took) + len(whole); next < len(pushed) && len(got)+len(pushed[next]) <= n {
				t.Fatalf("seed %d: took %d of %d bytes, and the next push has %d", seed, len(got), n, len(pushed[next]))
			}
			took = append(took, whole...)
		}
		rest := bytes.Join(append(took, q.take(nil)...), nil)
		if !bytes.Equal(rest, bytes.Join(pushed, nil)) {
			t.Fatalf("seed %d: what was taken is not what was pushed", seed)
		}
	}
}

// lastSemicolon is the boundary of pushes that end with a semicolon.
func lastSemicolon(piece []byte, n int) int {
	if end := bytes.LastIndexByte(piece[:n], ';') + 1; end > 0 {
		return end
	}
	return bytes.IndexByte(piece, ';') + 1
}

func TestABoundaryThatMakesNoSenseStillBringsTheQueueOn(t *testing.T) {
	for _, wrong := range []int{-1, 0, 1 << 20} {
		var a Arena
		var q queue
		q.push(a.Put([]byte("piece")))
		if got := q.takeUpTo(2, func([]byte, int) int { return wrong }); string(bytes.Join(got, nil)) != "piece" {
			t.Errorf("with a boundary at %d it took %q", wrong, got)
		}
	}
}
