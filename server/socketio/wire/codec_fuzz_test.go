package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"testing"
)

// FuzzParsePacket checks that what is accepted is the same after it was written again: the header
// with its payload, and events and acknowledgements from their arguments.
func FuzzParsePacket(f *testing.F) {
	for _, v := range readVectors(f).Decoded {
		f.Add([]byte(v.Text))
	}
	f.Add([]byte(`51-["a",{"_placeholder":true,"num":0},{"\u005fplaceholder":1,"num":0}]`))
	f.Add([]byte(`51-["a",{"_placeholder":true,"num":0,"x":{"_placeholder":1}}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse(text, &DefaultLimits)
		if err != nil {
			return
		}
		if p.Data != nil && !json.Valid(p.Data) {
			t.Fatalf("%q: accepted %q", text, p.Data)
		}
		checkSame(t, p, rewritten(p))
		if p.IsEvent() || p.IsAck() && p.HasID && p.Data != nil {
			checkReencoded(t, p)
		}
	})
}

func rewritten(p Packet) []byte {
	text := appendHeader(nil, p.Type, p.Namespace, p.ID, p.HasID)
	if p.Type.binary() {
		text[0] -= byte(BinaryEvent - Event)
		text = withAttachments(text, 0, p.Attachments)
	}
	return append(text, p.Data...)
}

func checkSame(t *testing.T, want Packet, text []byte) Packet {
	t.Helper()
	got, err := Parse(text, &DefaultLimits)
	if err != nil {
		t.Fatalf("%+v was accepted, %q is not: %v", want, text, err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v became %+v", want, got)
	}
	return got
}

// fuzzFiles are as many attachments as the default limit allows.
func fuzzFiles(p Packet) (files [][]byte) {
	for i := range p.Attachments {
		files = append(files, bytes.Repeat([]byte{byte(i)}, i))
	}
	return files
}

// checkReencoded passes all arguments on, as a handler would that sends back what it got.
func checkReencoded(t *testing.T, p Packet) {
	t.Helper()
	args := p.Args(nil, fuzzFiles(p))
	values := make([]any, len(args))
	for i, arg := range args {
		values[i] = arg
	}
	var text []byte
	var attachments [][]byte
	var err error
	if p.IsEvent() {
		text, attachments, err = AppendEvent(nil, p.Namespace, p.ID, p.HasID, p.Event, values)
	} else {
		text, attachments, err = AppendAck(nil, p.Namespace, p.ID, values)
	}
	literal := slices.ContainsFunc(args, Arg.HasLiteralPlaceholder)
	if literal && len(attachments) > 0 || errors.Is(err, ErrPlaceholder) != (err != nil) || err != nil && !literal {
		t.Fatalf("%q has a literal placeholder: %v; %d attachments, %v", p.Data, literal, len(attachments), err)
	}
	if err != nil {
		return
	}
	// An argument may go out with an attachment of its own that it shared with another when it came in.
	limits := DefaultLimits
	limits.MaxAttachments = len(attachments)
	limits.MaxNamespace, limits.MaxDepth = len(text), len(text)
	again, err := Parse(text, &limits)
	if err != nil {
		t.Fatalf("%+v became %q: %v", p, text, err)
	}
	got := again.Args(nil, attachments)
	if again.Event != p.Event || again.ID != p.ID || again.Namespace != p.Namespace || len(got) != len(args) {
		t.Fatalf("%+v became %+v", p, again)
	}
	for i := range args {
		if a, b := bound(t, args[i]), bound(t, got[i]); !reflect.DeepEqual(a, b) {
			t.Fatalf("argument %d of %q: %#v became %#v", i, p.Data, a, b)
		}
	}
}

// bound returns an argument's value, or its JSON if that holds numbers that Go can't.
func bound(t *testing.T, a Arg) (v any) {
	if err := a.Bind(&v); err != nil {
		return string(a.JSON())
	}
	return v
}

func FuzzArgBind(f *testing.F) {
	for _, v := range readVectors(f).Decoded {
		if v.Data != nil {
			f.Add([]byte(v.Text))
		}
	}
	f.Add([]byte(`51-["a",{"Name":"n","Pixels":{"_placeholder":true,"num":0},"Any":[{"_placeholder":true,"num":0}]}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse(text, &DefaultLimits)
		if err != nil || !p.IsEvent() && !p.IsAck() {
			return
		}
		for _, arg := range p.Args(nil, fuzzFiles(p)) {
			checkBinds(t, arg)
		}
	})
}

func checkBinds(t *testing.T, arg Arg) {
	t.Helper()
	var any1, any2 any
	if err := arg.Bind(&any1); err == nil {
		// What json.Unmarshal makes of the argument as it would be stored differs in the binaries alone.
		text, err := json.Marshal(arg)
		if err != nil {
			return // names its attachments too often
		}
		if err := json.Unmarshal(text, &any2); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if a, err := json.Marshal(any1); err != nil || !json.Valid(a) {
			t.Fatalf("%#v: %v", any1, err)
		} else if b, _ := json.Marshal(any2); !bytes.Equal(a, b) {
			t.Fatalf("%s: %s is not %s", arg.JSON(), a, b)
		}
	}
	var raw json.RawMessage
	if err := arg.Bind(&raw); err == nil && !json.Valid(raw) {
		t.Fatalf("%s: %s", arg.JSON(), raw)
	}
	for _, target := range []any{new(string), new(int), new(photo), new(embedded), new([]byte), new(Binary),
		new(map[string]any), new([]any), new([]Binary), new(map[string]Binary), new(Arg)} {
		_ = arg.Bind(target)
	}
	if b, ok := arg.Binary(); ok {
		var got Binary
		if err := arg.Bind(&got); err != nil || !bytes.Equal(got, b) {
			t.Fatalf("%s: %q is not %q, %v", arg.JSON(), got, b, err)
		}
	}
}
