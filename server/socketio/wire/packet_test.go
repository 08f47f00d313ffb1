package wire

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

// vectors are inputs and what the reference makes of them; testdata/vectors.cjs writes the file.
type vectors struct {
	Decoded []decodeVector
	Encoded []encodeVector
}

type decodeVector struct {
	Text  string
	Error string
	Type  Type // the reference calls a BINARY_EVENT that is complete an EVENT, likewise with ACK
	NSP   string
	ID    *uint64
	Data  *string // JSON, with {"$":hex} for binaries
}

type encodeVector struct {
	Type        Type
	NSP         string
	ID          *uint64
	JSON        *string
	Text        string
	Attachments []string
}

func readVectors(t testing.TB) (v vectors) {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// revived returns v with a Binary for each {"$":hex}.
func revived(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = revived(v[i])
		}
	case map[string]any:
		if text, ok := v["$"].(string); ok {
			b, err := hex.DecodeString(text)
			if err != nil {
				panic(err)
			}
			return Binary(b)
		}
		for name := range v {
			v[name] = revived(v[name])
		}
	}
	return v
}

func unmarshal(t testing.TB, text string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// files are the attachments that testdata/vectors.cjs sends, as many as asked for.
var files = [][]byte{{1, 2, 3, 4}, {}, []byte("third")}

func TestParsePacketReadsWhatTheReferenceReads(t *testing.T) {
	for _, v := range readVectors(t).Decoded {
		p, err := Parse([]byte(v.Text), &DefaultLimits)
		if (err != nil) != (v.Error != "") {
			t.Errorf("%s: error %v, reference: %q", v.Text, err, v.Error)
		}
		if err == nil && v.Error == "" {
			checkPacket(t, p, v)
		}
	}
}

func checkPacket(t *testing.T, p Packet, v decodeVector) {
	t.Helper()
	kind := p.Type
	if kind.binary() {
		kind -= BinaryEvent - Event
	}
	if kind != v.Type || p.Namespace != v.NSP || p.HasID != (v.ID != nil) || p.HasID && p.ID != *v.ID {
		t.Errorf("%s: got %+v", v.Text, p)
	}
	switch {
	case v.Data == nil:
		if p.Data != nil {
			t.Errorf("%s: has data %s", v.Text, p.Data)
		}
	case p.IsEvent() || p.IsAck():
		checkArgs(t, p, v)
	default:
		if got, want := unmarshal(t, string(p.Data)), unmarshal(t, *v.Data); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: data %s", v.Text, p.Data)
		}
	}
}

func checkArgs(t *testing.T, p Packet, v decodeVector) {
	t.Helper()
	want := revived(unmarshal(t, *v.Data)).([]any)
	if p.IsEvent() {
		var raw []json.RawMessage
		if err := json.Unmarshal([]byte(*v.Data), &raw); err != nil {
			t.Fatal(err)
		}
		if name, ok := want[0].(string); p.Event != name && (ok || p.Event != string(raw[0])) {
			t.Errorf("%s: event %q", v.Text, p.Event)
		}
		want = want[1:]
	}
	args := p.Args(nil, files[:p.Attachments])
	if len(args) != len(want) {
		t.Fatalf("%s: %d arguments, want %d", v.Text, len(args), len(want))
	}
	for i, arg := range args {
		var got any
		if err := arg.Bind(&got); err != nil || !reflect.DeepEqual(got, want[i]) {
			t.Errorf("%s: argument %d is %#v, %v; want %#v", v.Text, i, got, err, want[i])
		}
	}
}

func TestParsePacketIsStricterThanTheReference(t *testing.T) {
	tests := []struct {
		name, text string
		want       error
	}{
		{"nothing", "", errType},
		{"a space for a type", " ", errType},
		{"an event without a payload", "2", errPayload},
		{"an event that is all namespace", `2/a["x"]`, errPayload},
		{"attachments in hexadecimal", `50x1-["a"]`, errAttachments},
		{"attachments with an exponent", `51e0-["a"]`, errAttachments},
		{"a fraction for an attachment", `51-["a",{"_placeholder":true,"num":0.5}]`, errHole},
		{"minus zero for an attachment", `51-["a",{"_placeholder":true,"num":-0}]`, errHole},
		{"an id beyond 64 bits", `218446744073709551616["a"]`, errID},
		{"an event name beyond numbers", `2[1e999]`, errEventName},
		{"a namespace without end", "0/" + strings.Repeat("a", DefaultLimits.MaxNamespace), ErrNamespace},
		{"invalid UTF-8", "2[\"a\xff\"]", errInvalidUTF8},
		{"invalid UTF-8 in the namespace", "0/\xff", errInvalidUTF8},
		{"many arguments", `2["a"` + strings.Repeat(",0", DefaultLimits.MaxArgs) + "]", ErrManyArgs},
		{"deep arrays", `2["a",` + strings.Repeat("[", 256) + strings.Repeat("]", 256) + "]", ErrDepth},
		{"deep objects", `0` + strings.Repeat(`{"a":`, 256) + "{}" + strings.Repeat("}", 256), ErrDepth},
		{"endless depth", `2["a",` + strings.Repeat("[", 1<<20), ErrDepth},
	}
	for _, tt := range tests {
		if _, err := Parse([]byte(tt.text), &DefaultLimits); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestPacketsAtTheLimitsAreRead(t *testing.T) {
	for name, text := range map[string]string{
		"depth":     `2["a",` + strings.Repeat("[", 255) + strings.Repeat("]", 255) + "]",
		"arguments": `2["a"` + strings.Repeat(",0", DefaultLimits.MaxArgs-1) + "]",
		"namespace": "0/" + strings.Repeat("a", DefaultLimits.MaxNamespace-1) + ",",
		"id":        `218446744073709551615["a"]`,
		"files":     `510-["a"]`,
	} {
		if _, err := Parse([]byte(text), &DefaultLimits); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// White space may stand wherever JSON allows it, and is no id as it is for the reference.
func TestWhiteSpaceAroundThePayloadIsNoMatter(t *testing.T) {
	p, err := Parse([]byte("2 \t[ \"a\" , [ 1 ] , \"b\" ]\r\n"), &DefaultLimits)
	if err != nil || p.HasID || p.Event != "a" {
		t.Fatalf("%+v, %v", p, err)
	}
	args := p.Args(nil, nil)
	if len(args) != 2 || string(args[0].JSON()) != "[ 1 ]" || string(args[1].JSON()) != `"b"` {
		t.Errorf("%v", args)
	}
}

func TestAnArgumentCannotGrowIntoItsNeighbour(t *testing.T) {
	p, err := Parse([]byte(`2["a",1,2]`), &DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	args := p.Args(nil, nil)
	_ = append(args[0].JSON(), "99"...)
	if string(args[1].JSON()) != "2" {
		t.Errorf("second argument became %s", args[1].JSON())
	}
}

// Parsing costs the event's name, splitting costs the list, whatever comes in.
func TestParsingAllocatesTheNameAndTheList(t *testing.T) {
	text := []byte(`2["message",` + strings.Repeat(`{"a":["b",1,true]},`, 1000) + "0]")
	n := testing.AllocsPerRun(10, func() {
		p, err := Parse(text, &DefaultLimits)
		if err != nil || len(p.Args(nil, nil)) != 1001 {
			t.Fatal(err)
		}
	})
	if n != 2 {
		t.Errorf("%v allocations", n)
	}
}

func TestHostilePacketsAllocateNothing(t *testing.T) {
	const size = 1 << 20
	for name, text := range map[string]string{
		"deep":               `2["a",` + strings.Repeat("[", size),
		"deep objects":       "0" + strings.Repeat(`{"a":`, size/5),
		"endless id":         "2" + strings.Repeat("0", size),
		"endless number":     `2[` + strings.Repeat("1", size),
		"endless string":     `2["` + strings.Repeat("a", size),
		"escapes":            `2["a","` + strings.Repeat(`\"`, size/2),
		"endless count":      "5" + strings.Repeat("0", size),
		"many elements":      `2["` + strings.Repeat(`a","`, size/4),
		"unfinished escapes": `2["` + strings.Repeat(`\u00`, size/4),
		"white space":        "2" + strings.Repeat(" ", size),
	} {
		packet := []byte(text)
		if n := testing.AllocsPerRun(1, func() { _, _ = Parse(packet, &DefaultLimits) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func event(size int) []byte {
	return []byte(`2["message","` + strings.Repeat("x", size-len(`2["message",""]`)) + `"]`)
}

func BenchmarkParseEvent(b *testing.B) {
	for _, size := range []int{128, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			text := event(size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				p, err := Parse(text, &DefaultLimits)
				if err != nil {
					b.Fatal(err)
				}
				p.Args(nil, nil)
			}
		})
	}
}
