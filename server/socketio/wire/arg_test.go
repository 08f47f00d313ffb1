package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestBindFollowsEncodingJSON(t *testing.T) {
	type message struct {
		Text string `json:"text"`
		Tags []string
	}
	args := received(t, `2["e","say \u8bf4",12,{"text":"hi","Tags":["a"]},[1,2],null,true,1.5]`)
	var (
		text string
		n    int
		m    message
		list []int
		null = new(string)
		yes  bool
		f    float64
	)
	if err := args.Bind(&text, &n, &m, &list, &null, &yes, &f); err != nil {
		t.Fatal(err)
	}
	if text != "say 说" || n != 12 || m.Text != "hi" || len(m.Tags) != 1 || len(list) != 2 || null != nil || !yes ||
		f != 1.5 {
		t.Errorf("got %q %d %+v %v %v %v %v", text, n, m, list, null, yes, f)
	}
}

func TestBindPutsAttachmentsWhereTheyBelong(t *testing.T) {
	args := received(t, `52-["e",`+hole0("1")+`,{"name":"n","pixels":`+hole0("0")+`,"thumb":`+hole0("1")+`},[`+hole0("0")+`,"x"]]`, []byte("zero"), []byte("one"))

	var b []byte
	var bin Binary
	var p photo
	var list []any
	var m map[string]any
	var raw json.RawMessage
	var arg Arg
	var value any
	for i, ptrs := range [][]any{{&b, &p, &list}, {&bin, &m, &value}, {&arg, &raw}} {
		if err := args.Bind(ptrs...); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	if string(b) != "one" || string(bin) != "one" {
		t.Errorf("bytes: %q and %q", b, bin)
	}
	if p.Name != "n" || string(p.Pixels) != "zero" || p.Thumb == nil || string(*p.Thumb) != "one" {
		t.Errorf("struct: %+v", p)
	}
	if want := []any{Binary("zero"), "x"}; !reflect.DeepEqual(list, want) || !reflect.DeepEqual(value, any(want)) {
		t.Errorf("list: %#v, any: %#v", list, value)
	}
	if want := map[string]any{"name": "n", "pixels": Binary("zero"), "thumb": Binary("one")}; !reflect.DeepEqual(m, want) {
		t.Errorf("map: %#v", m)
	}
	if got, ok := arg.Binary(); !ok || string(got) != "one" {
		t.Errorf("Arg: %q", got)
	}
	if want := `{"name":"n","pixels":"emVybw==","thumb":"b25l"}`; string(raw) != want {
		t.Errorf("RawMessage: %s", raw)
	}
}

func TestBinaryIsForWhollyBinaryArguments(t *testing.T) {
	args := received(t, `51-["e",`+hole0("0")+`,[`+hole0("0")+`],"x", {"num":0,"_placeholder":true} ]`, []byte("b"))
	for i, want := range []bool{true, false, false, true} {
		if b, ok := args[i].Binary(); ok != want || ok && string(b) != "b" {
			t.Errorf("argument %d: %q, %v", i+1, b, ok)
		}
	}
	if _, ok := received(t, `2["e",`+hole0("0")+`]`)[0].Binary(); ok {
		t.Error("a placeholder without attachments is binary")
	}
	if _, ok := (Arg{}).Binary(); ok {
		t.Error("the zero Arg is binary")
	}
}

func TestJSONIsWhatCameIn(t *testing.T) {
	raw := `{"a" : ` + hole0("0") + `}`
	if got := received(t, `51-["e",`+raw+`]`, []byte("b"))[0].JSON(); string(got) != raw {
		t.Errorf("got %s", got)
	}
	if got := (Arg{}).JSON(); string(got) != "null" {
		t.Errorf("the zero Arg: %s", got)
	}
}

func TestNewArgTakesJSONFromElsewhere(t *testing.T) {
	arg, err := NewArg(json.RawMessage(" \"x\" \n"))
	var s string
	if err != nil || arg.Bind(&s) != nil || s != "x" || string(arg.JSON()) != `"x"` {
		t.Errorf("got %s as %q, %v", arg.JSON(), s, err)
	}
	for _, raw := range []string{"", "{", "1 2", "\"\xff\"", strings.Repeat("[", 300) + strings.Repeat("]", 300)} {
		if _, err := NewArg(json.RawMessage(raw)); err == nil {
			t.Errorf("%.10q was accepted", raw)
		}
	}
}

func TestAnArgumentCanBeStored(t *testing.T) {
	args := received(t, `51-["e",{"a":`+hole0("0")+`},1]`, []byte("zero"))
	text, err := json.Marshal(args)
	if err != nil || string(text) != `[{"a":"emVybw=="},1]` {
		t.Errorf("got %s, %v", text, err)
	}
}

func TestBindSaysWhichArgumentIsWrong(t *testing.T) {
	type point struct{ X int }
	type shape struct{ Points []point }
	binary := received(t, `51-["e",`+hole0("0")+`]`, []byte("\xff"))
	text := received(t, `2["e","x",{"Points":[{"X":"one"}]},7]`)
	numbers := received(t, `2["e",1.5,300,-1,1e400,"x"]`)
	tests := []struct {
		args Args
		ptrs []any
		want string
	}{
		{text, []any{new(int)}, "argument 1 must be a whole number, not a string"},
		{text, []any{nil, new(shape)}, "argument 2 has a wrong member: Points.X must be a whole number, not a string"},
		{text, []any{nil, nil, new(string)}, "argument 3 must be a string, not a number"},
		{text, []any{nil, nil, new(bool)}, "argument 3 must be true or false, not a number"},
		{text, []any{new([]int)}, "argument 1 must be an array, not a string"},
		{text, []any{new(shape)}, "argument 1 must be an object, not a string"},
		{text, []any{new(map[string]any)}, "argument 1 must be an object, not a string"},
		{text, []any{nil, new([]any)}, "argument 2 must be an array, not an object"},
		{text, []any{nil, new(Binary)}, "argument 2 must be binary data, not an object"},
		{text, []any{new(Binary)}, "argument 1 has a value that can't be read"},
		{text, []any{new(*float64)}, "argument 1 must be a number, not a string"},
		{text, []any{nil, nil, new(time.Time)}, "argument 3 has a value that can't be read"},
		{numbers, []any{new(int)}, "argument 1 must be a whole number from -9223372036854775808 to 9223372036854775807, " +
			"not 1.5"},
		{numbers, []any{nil, new(int8)}, "argument 2 must be a whole number from -128 to 127, not 300"},
		{numbers, []any{nil, nil, new(uint64)}, "argument 3 must be a whole number from 0 to 18446744073709551615, not -1"},
		{numbers, []any{nil, nil, nil, new(float64)}, "argument 4 has a number that is out of range"},
		{numbers, []any{nil, nil, nil, nil, new(refusing)}, "argument 5 is no day"},
		{text, []any{nil, nil, nil, new(any)}, "argument 4 is missing"},
		{nil, []any{new(any)}, "argument 1 is missing"},
		{binary, []any{new(map[string]any)}, "argument 1 must be an object, not binary data"},
		{binary, []any{new([]any)}, "argument 1 must be an array, not an object"},
	}
	for _, tt := range tests {
		err := tt.args.Bind(tt.ptrs...)
		if bad := (*Error)(nil); !errors.As(err, &bad) || bad.Code != CodeBadArgument || bad.Message != tt.want {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
	if err := text[0].Bind(new(int)); err == nil || err.Error() != "the argument must be a whole number, not a string" {
		t.Errorf("Arg.Bind: %v", err)
	}
}

// refusing says in its own words what is wrong.
type refusing struct{}

func (*refusing) UnmarshalJSON([]byte) error { return &Error{Message: "is no day"} }

func TestBindSkipsAndIgnores(t *testing.T) {
	var s string
	args := received(t, `2["e",1,"x",2]`)
	if err := args.Bind(nil, &s); err != nil || s != "x" {
		t.Errorf("%q, %v", s, err)
	}
	if err := args.Bind(nil, nil, nil, nil); err != nil {
		t.Errorf("skipping a missing argument: %v", err)
	}
}

func TestBindingToWhatIsNoPointerIsNotTheClientsFault(t *testing.T) {
	args := received(t, `51-["e","x",`+hole0("0")+`]`, []byte("b"))
	for _, arg := range args {
		for _, target := range []any{"", 0, (*string)(nil), (*any)(nil), (*Arg)(nil), (*Binary)(nil), (*[]byte)(nil),
			(*map[string]any)(nil), (*[]any)(nil)} {
			err := arg.Bind(target)
			if bad := (*Error)(nil); err == nil || errors.As(err, &bad) {
				t.Errorf("%T: %v", target, err)
			}
		}
	}
}

func TestBindFollowsAnInterfaceToItsPointer(t *testing.T) {
	var s string
	var v any = &s
	if err := received(t, `2["e","x"]`)[0].Bind(&v); err != nil || s != "x" {
		t.Errorf("%q, %v", s, err)
	}
	var p photo
	v = &p
	if err := received(t, `51-["e",{"pixels":`+hole0("0")+`}]`, []byte("b"))[0].Bind(&v); err != nil ||
		string(p.Pixels) != "b" {
		t.Errorf("%+v, %v", p, err)
	}
}

// Thirty bytes that name an attachment again must not make megabytes each.
func TestRepeatedPlaceholdersDoNotMultiplyMemory(t *testing.T) {
	const times = 10_000
	file := bytes.Repeat([]byte("x"), 1<<20)
	arg := received(t, `51-["e",[`+strings.Repeat(hole0("0")+",", times-1)+hole0("0")+`]]`, file)[0]
	var list []Binary
	if bad := (*Error)(nil); !errors.As(arg.Bind(&list), &bad) {
		t.Errorf("%d copies", len(list))
	}
	var values []any
	if err := arg.Bind(&values); err != nil || len(values) != times || &values[times-1].(Binary)[0] != &file[0] {
		t.Errorf("%d values, %v", len(values), err)
	}
	if _, attachments := encoded(t, arg); len(attachments) != 1 {
		t.Errorf("sent %d times", len(attachments))
	}
}

func BenchmarkBind(b *testing.B) {
	p, err := Parse(event(128), &DefaultLimits)
	if err != nil {
		b.Fatal(err)
	}
	args := p.Args(nil, nil)
	b.ReportAllocs()
	for b.Loop() {
		var text string
		if err := args.Bind(&text); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleArgs_Bind() {
	// What a client sent with socket.emit("rename", "Ada", {loud: true}).
	p, _ := Parse([]byte(`2["rename","Ada",{"loud":true}]`), &DefaultLimits)
	args := p.Args(nil, nil)

	var name string
	var options struct{ Loud bool }
	fmt.Println(args.Bind(&name, &options), name, options.Loud)

	var age int
	fmt.Println(args.Bind(&age))
	fmt.Println(args.Bind(&name, nil, &age))
	// Output:
	// <nil> Ada true
	// argument 1 must be a whole number, not a string
	// argument 3 is missing
}
