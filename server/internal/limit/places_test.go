package limit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// takenBy returns how many places a key has; all keys, if it is "".
func (p *Places) takenBy(key string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if key == "" {
		return p.taken
	}
	return p.byKey[key]
}

// use takes a place for d, in a goroutine of its own, and then calls then.
func (p *Places) use(t *testing.T, key string, d time.Duration, then func()) {
	go func() {
		release, err := p.Acquire(t.Context(), key)
		if err != nil {
			t.Errorf("%s: %v", key, err)
			return
		}
		then()
		time.Sleep(d)
		release()
	}()
	synctest.Wait()
}

func TestNoMoreThanThePlacesAreTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPlaces(8, 1000)
		var mu sync.Mutex
		now, most, all := 0, 0, 0
		for i := range 200 {
			go func() {
				release, err := p.Acquire(t.Context(), fmt.Sprint(i%9))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				now, all = now+1, all+1
				most = max(most, now)
				mu.Unlock()
				time.Sleep(time.Millisecond)
				mu.Lock()
				now--
				mu.Unlock()
				release()
				release() // once too often, which counts for nothing
			}()
		}
		time.Sleep(time.Second)
		mu.Lock()
		defer mu.Unlock()
		if most != 8 || all != 200 || p.Waiting() != 0 || p.takenBy("") != 0 {
			t.Errorf("%d at a time, %d in all; then %d are taken, %d wait", most, all, p.takenBy(""), p.Waiting())
		}
	})
}

func TestWhileOthersWaitAKeyHasAtMostHalf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPlaces(8, 1000)
		var calm atomic.Int32
		for range 100 {
			p.use(t, "flood", 10*time.Millisecond, func() {})
		}
		if p.takenBy("flood") != 8 {
			t.Errorf("alone it has %d of 8", p.takenBy("flood"))
		}
		for range 8 {
			p.use(t, "calm", 10*time.Millisecond, func() { calm.Add(1) })
		}
		time.Sleep(15 * time.Millisecond)
		synctest.Wait()
		if p.takenBy("flood") != 4 || p.takenBy("calm") != 4 {
			t.Errorf("they have %d and %d, want half each", p.takenBy("flood"), p.takenBy("calm"))
		}
		time.Sleep(10 * time.Millisecond)
		synctest.Wait()
		if n := calm.Load(); n != 8 {
			t.Errorf("%d of 8 had their place after two turns", n)
		}
		time.Sleep(time.Second)
	})
}

func TestTooManyWhoWaitAreRefusedAndOthersStillHaveAPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := NewPlaces(1, 80)
		hold, err := p.Acquire(ctx, "flood")
		if err != nil {
			t.Fatal(err)
		}
		refused, served, next := make(chan error, 200), make(chan struct{}, 200), make(chan struct{})
		for range 100 {
			go func() {
				release, err := p.Acquire(ctx, "flood")
				if errors.Is(err, ErrBusy) {
					refused <- err
				} else if err == nil {
					served <- struct{}{}
					<-next
					release()
				}
			}()
		}
		synctest.Wait()
		if len(refused) != 30 || p.Waiting() != 70 {
			t.Errorf("%d were refused and %d wait, want 30 and 70", len(refused), p.Waiting())
		}
		var got atomic.Bool
		p.use(t, "calm", 0, func() { got.Store(true) })
		hold()
		synctest.Wait()
		if len(served) == 1 { // it was waiting before
			next <- struct{}{}
			synctest.Wait()
		}
		if !got.Load() {
			t.Errorf("%d of the flood were served, and the other key was not", len(served))
		}
		cancel()
		close(next)
		synctest.Wait()
		if p.Waiting() != 0 {
			t.Errorf("%d wait still", p.Waiting())
		}
	})
}

func TestWhoGivesUpKeepsNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPlaces(1, 100)
		release, err := p.Acquire(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		for round := range 50 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			for range 20 {
				go func() {
					if _, err := p.Acquire(ctx, fmt.Sprint(round)); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("got %v", err)
					}
				}()
			}
			time.Sleep(2 * time.Second)
			cancel()
		}
		if n := p.Waiting(); n != 0 {
			t.Errorf("%d wait still", n)
		}
		release()
		again, err := p.Acquire(t.Context(), "b")
		if err != nil {
			t.Fatal(err)
		}
		again()
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := p.Acquire(ended, "b"); !errors.Is(err, context.Canceled) || p.takenBy("") != 0 {
			t.Errorf("got %v, and %d places are taken", err, p.takenBy(""))
		}
	})
}

func BenchmarkPlaces(b *testing.B) {
	p := NewPlaces(8, 100)
	b.ReportAllocs()
	for b.Loop() {
		release, _ := p.Acquire(b.Context(), "192.0.2.1")
		release()
	}
}
