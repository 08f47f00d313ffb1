package limit

import (
	"fmt"
	"strings"
	"testing"
)

// drain pops everything, by key.
func (q *Turns[T]) drain(each func(T)) {
	for v, ok := q.Pop(); ok; v, ok = q.Pop() {
		each(v)
	}
}

func TestAKeysOrderIsKept(t *testing.T) {
	q := NewTurns[int](1000, 1<<20)
	for i := range 300 {
		q.Push(fmt.Sprint(i%3), 10+i*7%2000, i)
	}
	last := map[int]int{0: -1, 1: -1, 2: -1}
	n := 0
	q.drain(func(i int) {
		if n++; i <= last[i%3] {
			t.Errorf("%d comes behind %d", i, last[i%3])
		}
		last[i%3] = i
	})
	if n != 300 || q.Len() != 0 || q.Bytes() != 0 || q.Keys() != 0 {
		t.Errorf("%d came; %d items, %d bytes and %d keys are left", n, q.Len(), q.Bytes(), q.Keys())
	}
}

func TestWhoSaysLittleDoesNotWaitForWhoSaysMuch(t *testing.T) {
	q := NewTurns[string](10_000, 1<<30)
	for range 5000 {
		q.Push("flood", 100, "flood")
	}
	for range 100 {
		q.Push("large", 1<<20, "large")
	}
	q.Pop()
	q.Push("calm", 100, "calm")
	before := map[string]int{}
	for v, _ := q.Pop(); v != "calm"; v, _ = q.Pop() {
		before[v]++
	}
	if before["flood"] > 2*quantum/leastCost || before["large"] > 1 {
		t.Errorf("before it came %v", before)
	}
}

func TestEachKeyHasAsManyBytesAsAnother(t *testing.T) {
	q := NewTurns[int](200_000, 1<<30)
	sizes := []int{500, 5000, 50_000, 1 << 20}
	for key, size := range sizes {
		for range (20 << 20) / size {
			q.Push(fmt.Sprint(key), size, size)
		}
	}
	got := map[int]int{}
	for all := 0; all < 64<<20; {
		size, ok := q.Pop()
		if !ok {
			t.Fatal("it is empty")
		}
		got[size] += size
		all += size
	}
	for _, size := range sizes {
		if n := got[size] >> 20; n < 14 || n > 18 {
			t.Errorf("items of %d bytes had %d MiB of 64, want a quarter", size, n)
		}
	}
}

func TestAFullQueueStillHasPlacesForWhoHoldsLittle(t *testing.T) {
	q := NewTurns[int](800, 1<<20)
	flood := 0
	for q.Push("flood", 1, 0) {
		flood++
	}
	if flood != 700 {
		t.Errorf("one key got %d places of 800, want seven eighths", flood)
	}
	for i := range 100 {
		if !q.Push(fmt.Sprint("calm", i), 1, 0) {
			t.Fatalf("calm key number %d was refused", i)
		}
	}
	if q.Push("one more", 1, 0) {
		t.Error("it holds more than it may")
	}
	if q.drain(func(int) {}); q.Len() != 0 {
		t.Error("what was accepted did not come")
	}
}

func TestTheBytesAreBoundedToo(t *testing.T) {
	q := NewTurns[int](1000, 8000)
	for _, c := range []struct {
		key  string
		size int
		ok   bool
	}{
		{"a", 8001, false}, {"a", 6500, true}, {"a", 501, false}, {"a", 500, true}, {"a", 1, false},
		{"b", 999, true}, {"b", 1, true}, {"c", 1, false},
	} {
		if ok := q.Push(c.key, c.size, 0); ok != c.ok {
			t.Errorf("%s, %d bytes while %d are held: %v", c.key, c.size, q.Bytes(), ok)
		}
	}
}

func TestOnlyTheKeysThatMayHaveTheirTurn(t *testing.T) {
	q := NewTurns[string](100, 1<<20)
	for _, key := range []string{"a", "b", "a", "b"} {
		q.Push(key, 5000, key)
	}
	onlyB := func(key string) bool { return key == "b" }
	for range 2 {
		if v, ok := q.PopOf(onlyB); !ok || v != "b" {
			t.Errorf("got %q, %v", v, ok)
		}
	}
	if v, ok := q.PopOf(onlyB); ok {
		t.Errorf("got %q", v)
	}
	if v, ok := q.Pop(); !ok || v != "a" {
		t.Errorf("got %q, %v", v, ok)
	}
}

func TestWhatIsDroppedIsGone(t *testing.T) {
	q := NewTurns[int](100, 1<<20)
	for i := range 60 {
		q.Push(fmt.Sprint(i%4), i, i)
	}
	q.Drop(func(i int) bool { return i%4 == 2 || i%3 == 0 })
	left := 0
	q.drain(func(i int) {
		if left++; i%4 == 2 || i%3 == 0 {
			t.Errorf("%d is there", i)
		}
	})
	if left != 30 || q.Bytes() != 0 || q.Keys() != 0 {
		t.Errorf("%d were left, then %d bytes of %d keys", left, q.Bytes(), q.Keys())
	}
}

func TestAnItemCostsNoAllocation(t *testing.T) {
	q := NewTurns[*int](1000, 1<<20)
	keys := make([]string, 50)
	for i := range keys {
		keys[i] = fmt.Sprint("key", i)
	}
	value := new(int)
	round := func() {
		for _, key := range keys {
			q.Push(key, 3000, value)
			q.Push(key, 100, value)
		}
		q.drain(func(*int) {})
	}
	round()
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("100 items cost %v allocations", n)
	}
}

// Whatever is pushed and popped, all that was accepted comes, in each key's order, within the bounds.
func FuzzTurns(f *testing.F) {
	f.Add([]byte("abcabc..aaaaAAAA...zZz!b."))
	f.Add([]byte(strings.Repeat("aB", 40) + strings.Repeat(".", 60)))
	f.Fuzz(func(t *testing.T, steps []byte) {
		const items, bytes = 24, 20_000
		q := NewTurns[[2]int](items, bytes)
		waiting, popped := map[int][]int{}, 0
		pop := func() {
			v, ok := q.Pop()
			if !ok {
				return
			}
			popped++
			if w := waiting[v[0]]; len(w) == 0 || w[0] != v[1] {
				t.Fatalf("key %d: got %d, want the first of %v", v[0], v[1], w)
			}
			waiting[v[0]] = waiting[v[0]][1:]
		}
		for i, c := range steps {
			switch c {
			case '.':
				pop()
			case '!':
				q.Drop(func(v [2]int) bool { return v[1]%2 == 0 })
				for key, w := range waiting {
					var kept []int
					for _, n := range w {
						if n%2 != 0 {
							kept = append(kept, n)
						}
					}
					waiting[key] = kept
				}
			default:
				key := int(c % 7)
				if q.Push(fmt.Sprint(key), int(c)*int(c)/4, [2]int{key, i}) {
					waiting[key] = append(waiting[key], i)
				}
			}
			left := 0
			for _, w := range waiting {
				left += len(w)
			}
			if q.Len() != left || q.Len() > items || q.Bytes() > bytes || q.Bytes() < 0 {
				t.Fatalf("%d items of %d bytes, want %d items", q.Len(), q.Bytes(), left)
			}
		}
		for q.Len() > 0 {
			pop()
		}
		if _, ok := q.Pop(); ok || q.Bytes() != 0 || q.Keys() != 0 {
			t.Fatalf("an empty queue has %d bytes of %d keys", q.Bytes(), q.Keys())
		}
	})
}

func BenchmarkTurns(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint("keys=", n), func(b *testing.B) {
			q := NewTurns[int](10_000, 1<<30)
			keys := make([]string, n)
			for i := range keys {
				keys[i] = fmt.Sprintf("192.0.2.%d", i)
				q.Push(keys[i], 100, i)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i++
				q.Push(keys[i%n], 100+i%1000, i)
				q.Pop()
			}
		})
	}
}
