package wire

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"testing"
	"unicode/utf8"
)

// FuzzParseMsgpack checks that what is accepted is JSON within the limits, and is the same when it has been written
// as MessagePack and read again.
func FuzzParseMsgpack(f *testing.F) {
	for _, v := range msgpackVectors {
		if v.packet[0] != '{' {
			f.Add(unhex(f, v.packet))
		}
	}
	f.Add(packed(f, "81ac5f706c616365686f6c646572c3"))
	f.Add(packed(f, "d605"+"01020304"))
	limits := DefaultLimits
	limits.MaxText = 1 << 16
	f.Fuzz(func(t *testing.T, b []byte) {
		p, attachments, err := ParseMsgpack(b, &limits)
		if err != nil {
			return
		}
		if p.Data != nil && (!utf8.Valid(p.Data) || !validJSON(p.Data, limits.MaxDepth)) {
			t.Fatalf("%x: accepted %q", b, p.Data)
		}
		if len(attachments) > 0 {
			if holes, err := findHoles(p.Data, len(attachments)); err != nil || len(holes) != len(attachments) {
				t.Fatalf("%x: %s has %d places for %d attachments, error %v", b, p.Data, len(holes), len(attachments), err)
			}
		}
		p.Args(nil, attachments)
		text := textOf(p, len(attachments))
		again, bytesAgain, err := ParseMsgpack(AppendMsgpack(nil, text, attachments), &limits)
		if err != nil {
			t.Fatalf("%x: %s comes back as %v", b, text, err)
		}
		if got := textOf(again, len(bytesAgain)); string(got) != string(text) || !reflect.DeepEqual(bytesAgain, attachments) {
			t.Fatalf("%x: %s with %x comes back as %s with %x", b, text, attachments, got, bytesAgain)
		}
	})
}

// FuzzAppendMsgpack checks that packets in JSON mean the same in MessagePack.
func FuzzAppendMsgpack(f *testing.F) {
	for _, v := range readVectors(f).Decoded {
		f.Add([]byte(v.Text))
	}
	f.Add([]byte(`2["a",{"b":[[],{},[{"c":[1,2,3]}]]},1e400,-0,18446744073709551615,"\ud800"]`))
	attachments := [][]byte{{1, 2, 3}, {}, {4}, {5}, {6}, {7}, {8}, {9}, {10}, {11}}
	limits := DefaultLimits
	limits.MaxDepth, limits.MaxArgs, limits.MaxAttachments, limits.MaxEvent = 1000, math.MaxInt, math.MaxInt, math.MaxInt
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse(text, &DefaultLimits)
		if err != nil {
			return
		}
		if checkNamespace(p.Namespace, &limits) != nil {
			return // a comma in a query
		}
		own := attachments[:p.Attachments]
		again, bytesAgain, err := ParseMsgpack(AppendMsgpack(nil, rewritten(p), own), &limits)
		if errors.Is(err, errMark) || errors.Is(err, errEventName) || errors.Is(err, errPayload) {
			return // no client is sent such packets
		}
		if err != nil {
			t.Fatalf("%q comes back as %v", text, err)
		}
		want, ok := meaning(p.Data, own)
		if got, _ := meaning(again.Data, bytesAgain); ok && !reflect.DeepEqual(got, want) {
			t.Fatalf("%q comes back as %s", text, again.Data)
		}
		if again.Namespace != p.Namespace || again.ID != p.ID || again.HasID != p.HasID {
			t.Fatalf("%q comes back as %+v", text, again)
		}
	})
}

// meaning is what JavaScript makes of a packet's data; not ok: it has a number that Go can't hold.
func meaning(data []byte, attachments [][]byte) (v any, ok bool) {
	if data == nil {
		return nil, true
	}
	err := json.Unmarshal(data, &v)
	return filled(v, attachments), err == nil
}
