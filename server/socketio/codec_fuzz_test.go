package socketio

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

// FuzzParsePacket checks that what is accepted is the same after it was written again: the header
// with its payload, and events and acknowledgements from their arguments.
func FuzzParsePacket(f *testing.F) {
	for _, v := range readVectors(f).Decoded {
		f.Add([]byte(v.Text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := parsePacket(text, &defaultPacketLimits)
		if err != nil {
			return
		}
		if p.data != nil && !json.Valid(p.data) {
			t.Fatalf("%q: accepted %q", text, p.data)
		}
		checkSame(t, p, rewritten(p))
		if p.isEvent() || p.isAck() && p.hasID && p.data != nil {
			checkReencoded(t, p)
		}
	})
}

func rewritten(p packet) []byte {
	text := appendHeader(nil, p.kind, p.namespace, p.id, p.hasID)
	if p.kind.binary() {
		text[0] -= byte(packetBinaryEvent - packetEvent)
		text = withAttachments(text, 0, p.attachments)
	}
	return append(text, p.data...)
}

func checkSame(t *testing.T, want packet, text []byte) packet {
	t.Helper()
	got, err := parsePacket(text, &defaultPacketLimits)
	if err != nil {
		t.Fatalf("%+v was accepted, %q is not: %v", want, text, err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v became %+v", want, got)
	}
	return got
}

// fuzzFiles are as many attachments as the default limit allows.
func fuzzFiles(p packet) (files [][]byte) {
	for i := range p.attachments {
		files = append(files, bytes.Repeat([]byte{byte(i)}, i))
	}
	return files
}

// checkReencoded passes all arguments on, as a handler would that sends back what it got.
func checkReencoded(t *testing.T, p packet) {
	t.Helper()
	args := splitArgs(nil, &p, fuzzFiles(p))
	values := make([]any, len(args))
	for i, arg := range args {
		values[i] = arg
	}
	var text []byte
	var attachments [][]byte
	var err error
	if p.isEvent() {
		text, attachments, err = appendEvent(nil, p.namespace, p.id, p.hasID, p.event, values)
	} else {
		text, attachments, err = appendAck(nil, p.namespace, p.id, values)
	}
	if err != nil {
		t.Fatalf("%+v: %v", p, err)
	}
	// An argument may go out with an attachment of its own that it shared with another when it came in.
	limits := defaultPacketLimits
	limits.maxAttachments = len(attachments)
	limits.maxNamespace, limits.maxDepth = len(text), len(text)
	again, err := parsePacket(text, &limits)
	if err != nil {
		t.Fatalf("%+v became %q: %v", p, text, err)
	}
	got := splitArgs(nil, &again, attachments)
	if again.event != p.event || again.id != p.id || again.namespace != p.namespace || len(got) != len(args) {
		t.Fatalf("%+v became %+v", p, again)
	}
	for i := range args {
		if a, b := bound(t, args[i]), bound(t, got[i]); !reflect.DeepEqual(a, b) {
			t.Fatalf("argument %d of %q: %#v became %#v", i, p.data, a, b)
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
		p, err := parsePacket(text, &defaultPacketLimits)
		if err != nil || !p.isEvent() && !p.isAck() {
			return
		}
		for _, arg := range splitArgs(nil, &p, fuzzFiles(p)) {
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
	for _, target := range []any{new(string), new(int), new(photo), new(embedded), new([]byte), new(Binary), new(map[string]any), new([]any), new([]Binary), new(map[string]Binary), new(Arg)} {
		_ = arg.Bind(target)
	}
	if b, ok := arg.Binary(); ok {
		var got Binary
		if err := arg.Bind(&got); err != nil || !bytes.Equal(got, b) {
			t.Fatalf("%s: %q is not %q, %v", arg.JSON(), got, b, err)
		}
	}
}
