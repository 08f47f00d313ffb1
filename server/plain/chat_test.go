package plain_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/crier/crier/server/plain"
	"github.com/crier/crier/server/websocket"
)

func number(what string, i int) string { return fmt.Sprintf("%s %d", what, i) }

// enter joins a room and returns once the client is in it: what is said from then on reaches it.
func (h *house) enter(path string) *client {
	h.t.Helper()
	c := h.join(path)
	c.says("ping")
	c.hears("pong")
	return c
}

func TestChatNumbersItsClientsFromOne(t *testing.T) {
	h := open(t, plain.Options{})
	one, two, three := h.enter("/ws/chat"), h.enter("/ws/chat"), h.enter("/ws/chat")
	for i, c := range []*client{one, two, three} {
		c.says("我来了")
		for _, heard := range []*client{one, two, three} {
			heard.hears(fmt.Sprintf("%d说: 我来了", i+1))
		}
	}
	two.sends(closing(websocket.CloseNormal, ""))
	two.isClosed(websocket.CloseNormal, "")
	waitFor(t, "client 2 has left", func() bool { return len(h.log.entries("chat: 离开")) == 1 })
	h.enter("/ws/chat").says("") // a number is given once
	one.hears("4说: ")
}

func TestChatLogsWhoLeaves(t *testing.T) {
	h := open(t, plain.Options{})
	stays := h.enter("/ws/chat")
	for i, leave := range []func(*client){
		func(c *client) { c.says("stop") },
		func(c *client) { c.sends(closing(websocket.CloseGoingAway, "")) },
		func(c *client) { c.conn.Close() },
		func(c *client) { c.sends(frame(true, websocket.OpText, "\xff")) },
	} {
		c := h.enter("/ws/chat")
		leave(c)
		c.conn.Close()
		waitFor(t, "the leaving is logged", func() bool { return len(h.log.entries("chat: 离开")) == i+1 })
		if got := h.log.entries("chat: 离开")[i]["number"]; got != float64(i+2) {
			t.Errorf("logged that %v has left, want %d", got, i+2)
		}
	}
	stays.says("alone")
	stays.hears("1说: alone")
}

func TestChatsOfTwoHandlersAreApart(t *testing.T) {
	a, b := open(t, plain.Options{}), open(t, plain.Options{})
	one, other := a.enter("/ws/chat"), b.enter("/ws/chat")
	one.says("hello")
	one.hears("1说: hello")
	other.says("anybody?")
	other.hears("1说: anybody?")
}

func TestChatIsHeardInOneOrderByAll(t *testing.T) {
	for _, seed := range []uint64{1, 2, 3, 4} {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { chatInOneOrder(t, rand.New(rand.NewPCG(seed, 0))) })
	}
}

// chatInOneOrder has clients talk at once, while others come, and compares what they heard.
func chatInOneOrder(t *testing.T, random *rand.Rand) {
	clients, late, each := 2+random.IntN(10), 1+random.IntN(4), 1+random.IntN(120)
	h := open(t, plain.Options{MaxRate: 100_000, MaxQueue: 64 << 20})
	sizes := make([]int, each)
	for i := range sizes {
		sizes[i] = random.IntN(1 << random.IntN(14))
	}
	all := make([]*client, clients)
	for i := range all {
		all[i] = h.enter("/ws/chat")
	}
	total := clients * each

	heard := make([][]string, clients+late)
	var talk, listen sync.WaitGroup
	for i, c := range all {
		talk.Go(func() {
			for n, size := range sizes {
				c.write(text(fmt.Sprintf("%d %s", n, strings.Repeat("x", size))))
			}
		})
		talk.Go(func() { heard[i] = c.texts(total) })
	}
	for i := range late {
		c := h.join("/ws/chat")
		listen.Go(func() { heard[clients+i], _, _ = c.read() })
	}
	talk.Wait()
	h.sv.Drain(false)
	listen.Wait()
	compare(t, heard[:clients], heard[clients:], clients, each)
}

// texts reads n texts.
func (c *client) texts(n int) (all []string) {
	for range n {
		op, payload, err := c.next()
		if err != nil || op != websocket.OpText {
			c.t.Errorf("frame %d of %d: %x, %v", len(all), n, op, err)
			return all
		}
		all = append(all, payload)
	}
	return all
}

func compare(t *testing.T, heard, late [][]string, clients, each int) {
	t.Helper()
	for i := range heard {
		if !slices.Equal(heard[i], heard[0]) {
			t.Errorf("client %d heard %d texts in another order than client 1", i+1, len(heard[i]))
		}
	}
	next := make(map[string]int)
	for _, line := range heard[0] {
		who, said, _ := strings.Cut(line, "说: ")
		var n int
		if _, err := fmt.Sscan(said, &n); err != nil || n != next[who] {
			t.Fatalf("of client %s its text %d was heard when %d was due (%v)", who, n, next[who], err)
		}
		next[who]++
	}
	if len(next) != clients {
		t.Errorf("%d clients were heard, want %d", len(next), clients)
	}
	for who, n := range next {
		if n != each {
			t.Errorf("of client %s %d texts were heard, want %d", who, n, each)
		}
	}
	for i, rest := range late {
		if len(rest) > len(heard[0]) || !slices.Equal(rest, heard[0][len(heard[0])-len(rest):]) {
			t.Errorf("late client %d heard %d texts that are not the last ones", i+1, len(rest))
		}
	}
}

func TestChatReachesWhoStaysAndForgetsWhoLeaves(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		sv, err := plain.New(plain.Options{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		crowd := plain.NewCrowd(sv, 30)
		for n := 30; n > 1; n-- {
			gone := crowd.Leave(random.IntN(n))
			before, stay := gone.Waiting()[0], crowd.Waiting()
			crowd.Say([]byte("still here?"))
			for i, size := range crowd.Waiting() {
				if size == stay[i] {
					t.Fatalf("seed %d: one of the %d who stay heard nothing", seed, n-1)
				}
			}
			if gone.Waiting()[0] != before || crowd.Len() != n-1 {
				t.Fatalf("seed %d: of %d who stay and one who left, the chat knows %d", seed, n-1, crowd.Len())
			}
		}
		sv.Close(over())
	}
}

func TestChatWithMoreClientsTakesNoMoreMemoryForEachText(t *testing.T) {
	allocs := func(clients int) float64 {
		sv, err := plain.New(plain.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer sv.Close(over())
		crowd := plain.NewCrowd(sv, clients)
		said := []byte("a text such as people write")
		n := testing.AllocsPerRun(200, func() { crowd.Say(said) })
		if sizes := crowd.Waiting(); slices.Min(sizes) != slices.Max(sizes) || sizes[0] < 200*len(said) {
			t.Fatalf("not everybody was told: between %d and %d bytes wait", slices.Min(sizes), slices.Max(sizes))
		}
		return n
	}
	few, many := allocs(10), allocs(1000)
	t.Logf("%.0f allocations for each text to 10 clients, %.0f to 1,000", few, many)
	if few != many {
		t.Errorf("%.0f allocations for each text to 10 clients, %.0f to 1,000, want the same", few, many)
	}
}
