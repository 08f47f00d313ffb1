package limit

import (
	"testing"
	"testing/synctest"
	"time"
	"unsafe"
)

func TestABurstIsTakenWithoutWaitingAndThenTheRateHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := Bucket{PerSecond: 20, Burst: 500}
		for i := range 500 {
			if wait := b.Take(1, time.Now()); wait != 0 {
				t.Fatalf("number %d waits %v", i, wait)
			}
		}
		begin := time.Now()
		for range 200 { // 10 s at 20 a second
			time.Sleep(b.Take(1, time.Now()))
		}
		if took := time.Since(begin); took != 10*time.Second {
			t.Errorf("200 more took %v, want 10 s", took)
		}
	})
}

func TestTheLargestMessageIsTakenOnceAndTheNextPays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := Bucket{PerSecond: 1000, Burst: 2000}
		if wait := b.Take(10_000, time.Now()); wait != 0 {
			t.Errorf("a full bucket keeps a message of five bursts waiting for %v", wait)
		}
		if wait := b.Take(500, time.Now()); wait != 8500*time.Millisecond {
			t.Errorf("the next waits %v, want 8.5 s: the debt of 8,000 and its own 500", wait)
		}
		time.Sleep(time.Minute)
		if wait := b.Take(10_000, time.Now()); wait != 0 {
			t.Errorf("when the debt is paid, it waits %v", wait)
		}
	})
}

func TestAQuietTimeSavesNoMoreThanABurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := Bucket{PerSecond: 10, Burst: 5}
		b.Take(1, time.Now())
		time.Sleep(time.Hour)
		for range 5 {
			if wait := b.Take(1, time.Now()); wait != 0 {
				t.Errorf("within the burst it waits %v", wait)
			}
		}
		if wait := b.Take(1, time.Now()); wait != 100*time.Millisecond {
			t.Errorf("behind the burst it waits %v, want 100 ms", wait)
		}
	})
}

func TestWhoIsNotAllowedOwesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := Bucket{PerSecond: 1, Burst: 1}
		if !b.Allow(1, time.Now()) {
			t.Error("a full bucket allows nothing")
		}
		for range 100 {
			if b.Allow(1, time.Now()) {
				t.Error("an empty bucket allows one more")
			}
		}
		time.Sleep(time.Second)
		if !b.Allow(1, time.Now()) {
			t.Error("a second later there is none")
		}
	})
}

func TestABucketWithoutARateHasNoLimit(t *testing.T) {
	var b Bucket
	if wait := b.Take(1<<30, time.Now()); wait != 0 || !b.Allow(1<<30, time.Now()) {
		t.Errorf("it waits %v", wait)
	}
}

func TestABucketIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(Bucket{}); size > 64 {
		t.Errorf("it has %d bytes", size)
	}
}

// Whatever is taken whenever, nobody gets more than the burst, the rate, and one message that is larger than the
// burst.
func FuzzBucket(f *testing.F) {
	f.Add(int64(20), int64(500), []byte{1, 0, 255, 3, 9, 200})
	f.Add(int64(1), int64(0), []byte{255, 255, 0, 0})
	f.Add(int64(1<<30), int64(1<<33), []byte{7, 7, 7})
	f.Fuzz(func(t *testing.T, perSecond, burst int64, steps []byte) {
		if perSecond <= 0 || perSecond > 1<<40 || burst < 0 || burst > 1<<40 {
			return
		}
		b := Bucket{PerSecond: perSecond, Burst: burst}
		start := time.Now()
		now, taken, before := start, 0.0, 0.0
		for i, step := range steps {
			now = now.Add(time.Duration(i%7) * 100 * time.Millisecond)
			wait := b.Take(int(step), now)
			if wait < 0 {
				t.Fatalf("it waits %v", wait)
			}
			now = now.Add(wait)
			before, taken = taken, taken+float64(step)
			allowed := float64(max(burst, 1)) + now.Sub(start).Seconds()*float64(perSecond)
			if over := before + min(float64(step), float64(max(burst, 1))) - allowed; over > 1+allowed/1e6 {
				t.Fatalf("%v more than allowed were taken within %v", over, now.Sub(start))
			}
		}
	})
}

func TestWaitsAreCountedIfTheyHaveALength(t *testing.T) {
	var w Waits
	w.Add(0)
	w.Add(time.Second)
	w.Add(2 * time.Second)
	if n, all := w.Sum(); n != 2 || all != 3*time.Second {
		t.Errorf("%d waits of %v", n, all)
	}
}

func BenchmarkBucketTake(b *testing.B) {
	bucket := Bucket{PerSecond: 1 << 30, Burst: 1 << 31}
	now := time.Now()
	for b.Loop() {
		now = now.Add(time.Microsecond)
		bucket.Take(100, now)
	}
}
