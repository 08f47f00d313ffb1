package wire

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestTheEncoderWritesWhatTheReferenceWrites(t *testing.T) {
	for _, v := range readVectors(t).Encoded {
		text, attachments, err := encodeVectorPacket(t, v)
		if err != nil || string(text) != v.Text || len(attachments) != len(v.Attachments) {
			t.Errorf("got %s and %d attachments, %v; want %s", text, len(attachments), err, v.Text)
			continue
		}
		for i, b := range attachments {
			if hex.EncodeToString(b) != v.Attachments[i] {
				t.Errorf("%s: attachment %d is %x", v.Text, i, b)
			}
		}
	}
}

func encodeVectorPacket(t *testing.T, v encodeVector) (text []byte, attachments [][]byte, err error) {
	var data []byte
	var args []any
	if v.JSON != nil {
		data = []byte(*v.JSON)
		args, _ = revived(unmarshal(t, *v.JSON)).([]any)
	}
	var id uint64
	if v.ID != nil {
		id = *v.ID
	}
	switch v.Type {
	case Connect:
		text = AppendConnect(nil, v.NSP, data)
	case Disconnect:
		text = AppendDisconnect(nil, v.NSP)
	case ConnectError:
		text = AppendConnectError(nil, v.NSP, data)
	case Event:
		return AppendEvent(nil, v.NSP, id, v.ID != nil, args[0].(string), args[1:])
	case Ack:
		return AppendAck(nil, v.NSP, id, args)
	}
	return text, nil, nil
}

// encoded returns the text of an event named e with the arguments, without `2["e",` and `]`, and its attachments.
func encoded(t testing.TB, args ...any) (string, [][]byte) {
	t.Helper()
	text, attachments, err := AppendEvent(nil, "/", 0, false, "e", args)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), `["e",`)
	if !ok {
		t.Fatalf("%s", text)
	}
	return strings.TrimSuffix(rest, "]"), attachments
}

// received returns the arguments of a packet as the server has them after its attachments came.
func received(t testing.TB, text string, attachments ...[]byte) Args {
	t.Helper()
	p, err := Parse([]byte(text), &DefaultLimits)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return p.Args(nil, attachments)
}

type photo struct {
	Name   string  `json:"name"`
	Pixels Binary  `json:"pixels"`
	Thumb  *Binary `json:"thumb,omitempty"`
	Empty  Binary  `json:"empty,omitempty"`
	Zero   Binary  `json:"zero,omitzero"`
	Hidden Binary  `json:"-"`
	secret Binary
}

type embedded struct {
	inner
	*photo
	Any any
}

type inner struct{ Inside Binary }

type custom struct{ Data Binary }

func (c custom) MarshalJSON() ([]byte, error) { return json.Marshal("custom " + string(c.Data)) }

func hole0(n string) string { return `{"_placeholder":true,"num":` + n + `}` }

func TestABinaryAnywhereInAGoValueBecomesAnAttachment(t *testing.T) {
	thumb := Binary("thumb")
	tests := []struct {
		name  string
		value any
		text  string
		files []string
	}{
		{"alone", Binary("a"), hole0("0"), []string{"a"}},
		{"bytes alone", []byte("a"), hole0("0"), []string{"a"}},
		{"empty", Binary(nil), hole0("0"), []string{""}},
		{"in a map", map[string]any{"k": Binary("a")}, `{"k":` + hole0("0") + `}`, []string{"a"}},
		{"in a typed map", map[string]Binary{"k": Binary("a")}, `{"k":` + hole0("0") + `}`, []string{"a"}},
		{"in slices", []any{1, []Binary{Binary("a"), Binary("b")}}, `[1,[` + hole0("0") + `,` + hole0("1") + `]]`,
			[]string{"a", "b"}},
		{"in an array", [2]Binary{Binary("a")}, `[` + hole0("0") + `,` + hole0("1") + `]`, []string{"a", ""}},
		{"in a struct", photo{Name: "n", Pixels: Binary("p"), Hidden: Binary("h"), secret: Binary("s")},
			`{"name":"n","pixels":` + hole0("0") + `}`, []string{"p"}},
		{"behind pointers", &photo{Pixels: Binary("p"), Thumb: &thumb},
			`{"name":"","pixels":` + hole0("0") + `,"thumb":` + hole0("1") + `}`, []string{"p", "thumb"}},
		{"in embedded structs", embedded{inner: inner{Binary("i")}, Any: []any{Binary("a")}},
			`{"Inside":` + hole0("0") + `,"Any":[` + hole0("1") + `]}`, []string{"i", "a"}},
		{"twice the same", []any{thumb, thumb}, `[` + hole0("0") + `,` + hole0("1") + `]`, []string{"thumb", "thumb"}},
		{"in an Error", &Error{Code: "c", Message: "m", Data: Binary("d")},
			`{"code":"c","message":"m","data":` + hole0("0") + `}`, []string{"d"}},
		{"bytes inside stay text", []any{[]byte("a")}, `["YQ=="]`, nil},
		{"own JSON stays as it is", []any{custom{Binary("x")}, Binary("b")}, `["custom x",` + hole0("0") + `]`,
			[]string{"b"}},
		{"none", map[string]any{"k": []any{1, nil, (*photo)(nil)}}, `{"k":[1,null,null]}`, nil},
	}
	for _, tt := range tests {
		text, attachments := encoded(t, tt.value)
		if text != tt.text || len(attachments) != len(tt.files) {
			t.Errorf("%s: got %s and %q", tt.name, text, attachments)
			continue
		}
		for i, b := range attachments {
			if string(b) != tt.files[i] {
				t.Errorf("%s: attachment %d is %q", tt.name, i, b)
			}
		}
	}
}

func TestTheCallersValueIsNotChanged(t *testing.T) {
	thumb := Binary("thumb")
	value := func() any {
		return map[string]any{"list": []any{Binary("a"), &photo{Pixels: Binary("p"), Thumb: &thumb}},
			"array": &[1]any{Binary("x")}, "map": map[int]Binary{1: Binary("m")}}
	}
	got := value()
	encoded(t, got)
	if !reflect.DeepEqual(got, value()) || string(thumb) != "thumb" {
		t.Errorf("changed to %#v", got)
	}
}

func TestArgumentsPassThroughUnread(t *testing.T) {
	raw := `{"b":1.0,"a":[ "\u8bf4<" ],"b":2}`
	arg := received(t, `2["message",`+raw+`]`)[0]
	if text, attachments := encoded(t, arg); text != raw || attachments != nil {
		t.Errorf("got %s, %q", text, attachments)
	}
	if text, _ := encoded(t, map[string]any{"from": arg}); text != `{"from":{"b":1.0,"a":["\u8bf4<"],"b":2}}` {
		t.Errorf("inside a value: %s", text)
	}
	if text, _ := encoded(t, Arg{}); text != "null" {
		t.Errorf("the zero Arg is %s", text)
	}
}

func TestAttachmentsOfAnArgumentGetNewNumbers(t *testing.T) {
	args := received(t, `53-["e",`+hole0("2")+`,{"x":`+hole0("1")+`,"y":[`+hole0("0")+`,{"num":1,"more":[],"_placeholder":true}]}]`, []byte("f0"), []byte("f1"), []byte("f2"))
	text, attachments := encoded(t, Binary("first"), args[1], "text", args[0],
		map[string]any{"a": args[1], "b": Binary("last")})
	want := hole0("0") + `,{"x":` + hole0("1") + `,"y":[` + hole0("2") + `,` + hole0("1") + `]},"text",` + hole0("3") +
		`,{"a":{"x":` + hole0("4") + `,"y":[` + hole0("5") + `,` + hole0("4") + `]},"b":` + hole0("6") + `}`
	if text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	if got := string(bytes.Join(attachments, []byte(" "))); got != "first f1 f0 f2 f1 f0 last" {
		t.Errorf("attachments %s", got)
	}
}

func TestGoValuesAreWrittenWithoutHTMLEscapes(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	text, _ := encoded(t, map[string]any{"<&>": at}, []string{"<"}, uint8(1), 1.5, int64(-3), json.Number("1e9"),
		struct{}{}, json.RawMessage(`{ "a" : "<" }`), json.RawMessage(nil))
	if want := `{"<&>":"2026-01-02T03:04:05Z"},["<"],1,1.5,-3,1e9,{},{ "a" : "<" },null`; text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

func TestWhatCannotBeEncodedLeavesTheBufferAsItWas(t *testing.T) {
	dst := []byte("before")
	cycle := map[string]any{}
	cycle["self"] = cycle
	for name, arg := range map[string]any{
		"channel": make(chan int), "NaN": math.NaN(), "invalid raw": json.RawMessage(`{"a"`),
		"empty raw": json.RawMessage(``), "raw not UTF-8": json.RawMessage("\"\xff\""),
		"two raw values": json.RawMessage(`1,2`), "cycle": cycle, "channel beside a binary": []any{Binary("x"),
			make(chan int)},
	} {
		text, attachments, err := AppendEvent(dst, "/", 0, false, "e", []any{"ok", Binary("b"), arg})
		if err == nil || string(text) != "before" || attachments != nil {
			t.Errorf("%s: %q, %v", name, text, err)
		}
		if err != nil && !strings.Contains(err.Error(), "argument 3") {
			t.Errorf("%s: the error does not name the argument: %v", name, err)
		}
		if text, _, err := AppendAck(dst, "/", 1, []any{arg}); err == nil || string(text) != "before" {
			t.Errorf("%s in an acknowledgement: %q, %v", name, text, err)
		}
	}
	if _, _, err := AppendAck(nil, "/", 1, []any{json.RawMessage("x")}); !errors.Is(err, errRawMessage) {
		t.Errorf("got %v", err)
	}
}

func TestReservedEventNamesAreRefused(t *testing.T) {
	for _, name := range []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener",
		"removeListener"} {
		if _, _, err := AppendEvent(nil, "/", 0, false, name, nil); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if _, _, err := AppendEvent(nil, "/", 0, false, "error", nil); err != nil {
		t.Error(err)
	}
}

func TestInvalidUTF8DoesNotReachTheWire(t *testing.T) {
	bad := "a\xffb\xe8\xaf"
	text, _, err := AppendEvent(nil, "/", 0, false, bad, []any{bad, map[string]string{bad: bad}, errors.New(bad)})
	if err != nil || !utf8.Valid(text) {
		t.Errorf("%q, %v", text, err)
	}
}

func TestPacketsAreAppended(t *testing.T) {
	text, _, err := AppendEvent([]byte("4"), "/a", 7, true, "e", []any{Binary("x")})
	if want := `451-/a,7["e",` + hole0("0") + `]`; err != nil || string(text) != want {
		t.Errorf("got %s, want %s", text, want)
	}
}

func TestAppendASCIISaysTheSameInASCII(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{`2["a"]`, `2["a"]`},
		{`2["说é😀\n"]`, `2["\u8bf4\u00e9\ud83d\ude00\n"]`},
		{`2/说,12["说"]`, `2/说,12["\u8bf4"]`},
		{`51-/a,["说",` + hole0("0") + `]`, `51-/a,["\u8bf4",` + hole0("0") + `]`},
		{`212["/说,说"]`, `212["/\u8bf4,\u8bf4"]`},
		{`0/说`, `0/说`},
		{`4"说"`, `4"\u8bf4"`},
		{`1`, `1`},
		{``, ``},
	} {
		if got := AppendASCII(nil, []byte(tt.text)); string(got) != tt.want {
			t.Errorf("%s: got %s, want %s", tt.text, got, tt.want)
		}
	}
}

func TestEncodingStringsAndArgumentsAllocatesNothing(t *testing.T) {
	args := []any{strings.Repeat("x", 100), received(t, `2["e",{"a":1}]`)[0], 12, true, nil}
	dst := make([]byte, 0, 1024)
	n := testing.AllocsPerRun(100, func() {
		if _, _, err := AppendEvent(dst, "/", 0, false, "message", args); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkEncodeEvent(b *testing.B) {
	p, err := Parse(event(128), &DefaultLimits)
	if err != nil {
		b.Fatal(err)
	}
	values := map[string][]any{
		"Arg":    {p.Args(nil, nil)[0]},
		"string": {strings.Repeat("x", 113)},
		"struct": {struct {
			From, Text string
			At         int64
		}{"someone", strings.Repeat("x", 70), 1732132800000}},
		"map":    {map[string]any{"from": "someone", "text": strings.Repeat("x", 80)}},
		"Binary": {map[string]any{"from": "someone", "file": Binary(strings.Repeat("x", 80))}},
	}
	for name, args := range values {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			dst := make([]byte, 0, 1024)
			for b.Loop() {
				if _, _, err := AppendEvent(dst, "/", 0, false, "message", args); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
