package plain_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crier/crier/server/plain"
	"github.com/crier/crier/server/websocket"
)

// A fakeRoom passes news on, by rules that tests can foresee: ids count from 1, and so does the time.
type fakeRoom struct {
	news *plain.News

	mu   sync.Mutex // guards the following, and holds the order of the news
	all  []*fakeVisitor
	time int64
}

type fakeVisitor struct {
	plain.Listener
	room *fakeRoom
	id   string
	name string
	left int // how often
}

type publicError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (r *fakeRoom) Visit(l plain.Listener) plain.Visitor {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := &fakeVisitor{Listener: l, room: r, id: fmt.Sprint("v", len(r.all)+1)}
	r.all = append(r.all, v)
	return v
}

func (r *fakeRoom) visitors() []*fakeVisitor {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all)
}

// Do knows what Crier's room knows.
func (v *fakeVisitor) Do(event string, request map[string]json.RawMessage, tell func(answer, failure any)) {
	options := make(map[string]json.RawMessage)
	for _, name := range []string{"since", "id", "before", "limit"} {
		if value := request[name]; value != nil {
			options[name] = value
		}
	}
	switch event {
	case "f":
		v.register(request["speaker"], options["since"], tell)
	case "message":
		v.say(request["data"], options["id"], tell)
	case "history":
		tell(map[string]any{"entries": options}, nil)
	default:
		tell(nil, &publicError{"unknown_event", "what?"})
	}
}

// register has one who comes with options hear them before what is newer.
func (v *fakeVisitor) register(name, options json.RawMessage, tell func(answer, failure any)) {
	var text string
	if json.Unmarshal(name, &text) != nil || text == "" {
		tell(nil, &publicError{"bad_name", "no"})
		return
	}
	v.name = text
	switch text {
	case "nameless":
		tell(struct{}{}, nil)
	case "unwritable":
		tell(map[string]any{"name": math.Inf(1)}, nil)
	case "list":
		tell([]string{"not an object"}, nil)
	case "hopeless":
		v.CutOff()
	default:
		tell(map[string]any{"name": text, "id": v.id}, nil)
	}
	if options != nil && (v.Hear(options, "options", "o", 7, 8) != nil || v.Flushed(context.Background()) != nil) {
		return
	}
	v.Join()
}

func (v *fakeVisitor) say(data, options json.RawMessage, tell func(answer, failure any)) {
	if string(data) == `"slow"` {
		time.Sleep(55 * time.Second)
	}
	v.room.mu.Lock()
	defer v.room.mu.Unlock()
	switch string(data) {
	case "":
		tell(nil, &publicError{"bad_message", "no"})
		return
	case `"refuse"`:
		tell(nil, &publicError{"internal", "internal error"})
		return
	case `"panic"`:
		panic("on purpose")
	}
	v.room.time++
	tell(map[string]any{"at": v.room.time}, nil)
	if options != nil {
		data = options
	}
	if err := v.room.news.Publish(data, v.name, v.id, v.room.time, uint64(v.room.time)); err != nil {
		panic(err)
	}
}

func (v *fakeVisitor) Close() {
	v.room.mu.Lock()
	defer v.room.mu.Unlock()
	v.left++
}

func TestNewsHasTheseShapes(t *testing.T) {
	h := open(t, plain.Options{})
	ann, bob := h.enter("/ws/news"), h.enter("/ws/news")
	ann.says(`{"type":"f","speaker":"Ann"}`)
	ann.hears(`{"type":"ack","for":"f","id":"v1","name":"Ann"}`)
	bob.says(`{"type":"f","speaker":"Bob","ref":7}`)
	bob.hears(`{"type":"ack","for":"f","ref":7,"id":"v2","name":"Bob"}`)
	for i, data := range []string{`"hello"`, `{"a":[1,2.50,null]}`, `null`, `"<&>' \u2028 \ud800"`, `1e400`, `" "`} {
		at := i + 1
		ann.says(`{ "type": "message", "data": ` + data + `, "ref": {"n": [1]} }`)
		ann.hears(fmt.Sprintf(`{"type":"ack","for":"message","ref":{"n":[1]},"at":%d}`, at)) // before its own news
		for _, c := range []*client{ann, bob} {
			c.hears(fmt.Sprintf(`{"type":"news","data":%s,"from":"Ann","id":"v1","at":%d,"offset":%d}`, data, at, at))
		}
	}
}

func TestNewsReachWhoIsRegistered(t *testing.T) {
	h := open(t, plain.Options{})
	ann, mute := h.enter("/ws/news"), h.enter("/ws/news")
	if h.room.news.Wanted() {
		t.Error("news are wanted, and nobody is registered")
	}
	ann.says(`{"type":"f","speaker":"Ann"}`)
	ann.hears(`{"type":"ack","for":"f","id":"v1","name":"Ann"}`)
	waitFor(t, "news are wanted: it hears them from just after its answer on", h.room.news.Wanted)
	mute.says(`{"type":"message","data":"from nobody"}`)
	mute.hears(`{"type":"ack","for":"message","at":1}`)
	ann.hears(`{"type":"news","data":"from nobody","from":"","id":"v2","at":1,"offset":1}`)
	mute.says("ping")
	mute.hears("pong") // and no news before it

	ann.says(`{"type":"f","speaker":"Anna"}`, `{"type":"message","data":1}`) // renamed, and still there once
	ann.hears(`{"type":"ack","for":"f","id":"v1","name":"Anna"}`, `{"type":"ack","for":"message","at":2}`,
		`{"type":"news","data":1,"from":"Anna","id":"v1","at":2,"offset":2}`)
	ann.says("stop")
	ann.isClosed(websocket.CloseNormal, "stopped as asked")
	waitFor(t, "no news are wanted", func() bool { return !h.room.news.Wanted() })
}

func TestNewsRefInAnyShapeComesBack(t *testing.T) {
	c := open(t, plain.Options{}).join("/ws/news")
	for _, ref := range []string{`0`, `"a<b"`, `null`, `false`, `[]`, `{"x":{"y":"\u00e9"}}`, `12345678901234567890`} {
		c.says(`{"ref":` + ref + `,"type":"message","data":0}`)
		_, got, err := c.next()
		if want := `{"type":"ack","for":"message","ref":` + ref + `,"at":`; err != nil || !strings.HasPrefix(got, want) {
			t.Errorf("got %s, %v, want %s...", got, err, want)
		}
	}
}

func TestNewsAnswersWhatItCannotDo(t *testing.T) {
	const badJSON = `"error":{"code":"bad_json","message":"this is not a JSON object"}}`
	const badType = `"error":{"code":"bad_type","message":"the type must be a text, the name of an event"}}`
	c := open(t, plain.Options{}).join("/ws/news")
	for _, test := range []struct{ said, want string }{
		{``, `{"type":"ack",` + badJSON},
		{`hello`, `{"type":"ack",` + badJSON},
		{`{"type":"f"`, `{"type":"ack",` + badJSON},
		{`{"type":"f"} {}`, `{"type":"ack",` + badJSON},
		{`[1]`, `{"type":"ack",` + badJSON},
		{`{"type":5,"ref":1}`, `{"type":"ack","ref":1,` + badType},
		{`null`, `{"type":"ack",` + badType},
		{`{}`, `{"type":"ack",` + badType},
		{`{"type":"","ref":2}`, `{"type":"ack","ref":2,` + badType},
		{`{"type":"shout","ref":"r"}`, `{"type":"ack","for":"shout","ref":"r","error":{"code":"unknown_event","message":"what?"}}`},
		{`{"type":"message"}`, `{"type":"ack","for":"message","error":{"code":"bad_message","message":"no"}}`},
		{`{"type":"f"}`, `{"type":"ack","for":"f","error":{"code":"bad_name","message":"no"}}`},
		{`{"type":"f","speaker":{"a":1},"ref":2}`, `{"type":"ack","for":"f","ref":2,"error":{"code":"bad_name","message":"no"}}`},
		{`{"type":"message","data":"refuse"}`, `{"type":"ack","for":"message","error":{"code":"internal","message":"internal error"}}`},
		{`{"type":"f","speaker":"nameless"}`, `{"type":"ack","for":"f"}`},
		{`{"type":"message","data":"ok"}`, `{"type":"ack","for":"message","at":1}`},
	} {
		c.says(test.said)
		_, got, err := c.next()
		if got != test.want || err != nil {
			t.Errorf("%s\nwas answered %s, %v\nwant         %s", test.said, got, err, test.want)
		}
	}
}

// The room learns what a request asked for, but nothing else of the request.
func TestNewsHandOnTheOptionsOfARequest(t *testing.T) {
	c := open(t, plain.Options{}).enter("/ws/news")
	c.says(`{"type":"f","speaker":"Ann","since":5,"id":1,"limit":2}`)
	c.hears(`{"type":"ack","for":"f","id":"v1","name":"Ann"}`,
		`{"type":"news","data":5,"from":"options","id":"o","at":7,"offset":8}`)
	c.says(`{"type":"message","data":1,"id":"a<b","since":2}`)
	c.hears(`{"type":"ack","for":"message","at":1}`, `{"type":"news","data":"a<b","from":"Ann","id":"v1","at":1,"offset":1}`)
	c.says(`{"type":"history","before":9,"limit":null,"ref":1}`)
	c.hears(`{"type":"ack","for":"history","ref":1,"entries":{"before":9,"limit":null}}`)
	c.says(`{"type":"history"}`)
	c.hears(`{"type":"ack","for":"history","entries":{}}`)
}

func TestNewsEndAClientThatCannotBeToldEverything(t *testing.T) {
	c := open(t, plain.Options{}).enter("/ws/news")
	c.says(`{"type":"f","speaker":"hopeless","since":1}`)
	c.isClosed(websocket.CloseTryAgainLater, "what was missed can't be told")
}

// Who says too much is not read for a while. Its pongs are not read either, and it is not taken for gone.
func TestAClientThatIsSlowedIsNotTakenForGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := openInMemory(t, plain.Options{PingInterval: 25 * time.Second, PingTimeout: 20 * time.Second}).join("/ws/news")
		for n := range 3 {
			c.says(`{"type":"message","data":"slow"}`)
			c.hears(fmt.Sprintf(`{"type":"ack","for":"message","at":%d}`, n+1))
		}
		c.expect(websocket.OpPing, "") // now it is read, and asked
	})
}

func TestNewsEndsWithoutAnAnswerToGive(t *testing.T) {
	for _, said := range []string{`{"type":"f","speaker":"unwritable"}`, `{"type":"f","speaker":"list"}`,
		`{"type":"message","data":"panic"}`} {
		c := open(t, plain.Options{}).join("/ws/news")
		c.says(said)
		c.isClosed(websocket.CloseInternalError, "internal error")
	}
}

func TestNewsVisitorsLeaveOnce(t *testing.T) {
	h := open(t, plain.Options{})
	for _, leave := range []func(*client){
		func(c *client) { c.says("stop") },
		func(c *client) { c.sends(frame(true, websocket.OpBinary, "")) },
		func(c *client) { c.says(`{"type":"message","data":"panic"}`) },
		func(c *client) {},
	} {
		c := h.join("/ws/news")
		c.says(`{"type":"f","speaker":"Ann"}`)
		leave(c)
		c.conn.Close()
	}
	waitFor(t, "all have left", func() bool { return h.sv.Len() == 0 })
	for _, v := range h.room.visitors() {
		if v.left != 1 {
			t.Errorf("%s has left %d times", v.id, v.left)
		}
	}
}

func TestNewsAreHeardInOneOrderByAll(t *testing.T) {
	h := open(t, plain.Options{MaxRate: 100_000, MaxQueue: 64 << 20})
	const clients, each = 6, 200
	all := make([]*client, clients)
	for i := range all {
		all[i] = h.join("/ws/news")
		all[i].says(fmt.Sprintf(`{"type":"f","speaker":"s%d"}`, i))
		if _, _, err := all[i].next(); err != nil {
			t.Fatal(err)
		}
	}
	heard := make([][]string, clients)
	var talk sync.WaitGroup
	for i, c := range all {
		talk.Go(func() {
			for n := range each {
				c.write(text(fmt.Sprintf(`{"type":"message","data":[%d,%d]}`, i, n)))
			}
		})
		talk.Go(func() {
			for _, line := range c.texts(clients*each + each) { // the news, and its own acks
				if strings.HasPrefix(line, `{"type":"news"`) {
					heard[i] = append(heard[i], line)
				}
			}
		})
	}
	talk.Wait()
	for i := range heard {
		if len(heard[i]) != clients*each || !slices.Equal(heard[i], heard[0]) {
			t.Errorf("client %d heard %d news in another order than client 0", i, len(heard[i]))
		}
	}
}

// FuzzNewsAnswersOnceInJSON gives the endpoint any text: one answer comes, a JSON object of type ack, and nothing
// panics.
func FuzzNewsAnswersOnceInJSON(f *testing.F) {
	for _, seed := range []string{
		`{"type":"f","speaker":"Ann","ref":1}`, `{"type":"message","data":{"a":[1,"b",null]},"ref":"x"}`,
		`{"type":"message"}`,
		`{"type":"f","speaker":["Ann"]}`, `{"TYPE":"f","speaker":"x"}`, `{"type":"\ud800","ref":"\u2028<"}`, `null`, `[`, ``,
		`{"type":"f","type":"message","data":1}`, `{"type":"message","data":"refuse"}`, `{"ref":`,
	} {
		f.Add([]byte(seed))
	}
	sv, err := plain.New(plain.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { sv.Close(over()) })
	f.Fuzz(func(t *testing.T, request []byte) {
		p := plain.NewPetitioner(sv, stillRoom{})
		defer p.Close()
		texts, ended := p.Ask(request)
		if ended || len(texts) != 1 {
			t.Fatalf("%q brought %q, ended %t", request, texts, ended)
		}
		var answer struct {
			Type  string
			Error *publicError
		}
		if err := json.Unmarshal([]byte(texts[0]), &answer); err != nil || answer.Type != "ack" {
			t.Fatalf("%q brought %q: %v", request, texts[0], err)
		}
		if !json.Valid(request) && answer.Error == nil {
			t.Fatalf("%q was taken: %q", request, texts[0])
		}
	})
}

// A stillRoom takes everything and has no news.
type stillRoom struct{}

func (stillRoom) Visit(plain.Listener) plain.Visitor { return stillVisitor{} }

type stillVisitor struct{}

func (stillVisitor) Do(_ string, _ map[string]json.RawMessage, tell func(_, _ any)) {
	tell(struct{}{}, nil)
}
func (stillVisitor) Close() {}
