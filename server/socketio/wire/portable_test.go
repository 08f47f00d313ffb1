package wire

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestWhatOtherLanguagesCannotReadIsTold(t *testing.T) {
	for _, raw := range []string{
		`1e400`, `-1e400`, `[1,{"a":1E+309}]`, `1e-9999999`, `0e123456`, strings.Repeat("9", 5000),
		"0." + strings.Repeat("1", 5000),
		strings.Repeat("9", 400), `"\ud800"`, `"a\udc00b"`, `{"\uD83D":1}`, `"\ud83d\\udc00"`, `"\ud83d\ud83d\ude00"`,
		`["\ude00\ud83d"]`,
	} {
		arg := received(t, `2["e",`+raw+`]`)[0]
		if bad := (*Error)(nil); !errors.As(arg.Portable(), &bad) || bad.Code != CodeBadArgument {
			t.Errorf("%.40s: %v", raw, arg.Portable())
		}
	}
}

// The reference server relays null for the first, as JSON.stringify(JSON.parse("1e400")) does.
func TestWhatOtherLanguagesCannotReadDoesNotLeave(t *testing.T) {
	for raw, want := range map[string]string{
		`1e400`: `null`, `[1,{"a":-1E+309},2]`: `[1,{"a":null},2]`, strings.Repeat("9", 5000): `null`,
		"0." + strings.Repeat("1", 5000): `0.1111111111111111`, `1e-9999999`: `0`,
		`"a\udc00b"`: `"a\ufffdb"`, `{"\uD83D":"\n\ud83d\ude00"}`: `{"\ufffd":"\n\ud83d\ude00"}`, `["\ud83d\ud83d\ude00","1e400"]`: `["\ufffd😀","1e400"]`,
	} {
		want = strings.ReplaceAll(want, `\ufffd`, "\ufffd")
		restored, err := RestoreArg([]byte(raw), nil) // of an entry that an older version has stored
		if err != nil {
			t.Fatal(err)
		}
		given, err := NewArg([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		for _, arg := range []Arg{received(t, `2["e",`+raw+`]`)[0], received(t, `31[`+raw+`]`)[0], restored, given} {
			if got := string(arg.JSON()); got != want || arg.Portable() == nil {
				t.Errorf("%.40s: the argument is %.60s", raw, got)
			}
			text, _, err := AppendEvent(nil, "/", 0, false, "e", []any{arg, map[string]any{"in": arg}})
			if err != nil || string(text) != `2["e",`+want+`,{"in":`+want+`}]` {
				t.Errorf("%.40s: it went out as %.100s, %v", raw, text, err)
			}
		}
	}
}

func TestAttachmentsKeepTheirPlacesBesideWhatIsReplaced(t *testing.T) {
	p, err := Parse([]byte(`51-["e",["`+strings.Repeat(`\ud800`, 3)+`",1e400,{"_placeholder":true,"num":0}]]`), &DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	text, attachments, err := AppendEvent(nil, "/", 0, false, "e", []any{p.Args(nil, [][]byte{[]byte("bytes")})[0]})
	want := "51-[\"e\",[\"\ufffd\ufffd\ufffd\",null,{\"_placeholder\":true,\"num\":0}]]"
	if err != nil || string(text) != want || len(attachments) != 1 {
		t.Errorf("%s, %q, %v", text, attachments, err)
	}
}

// What the program gives in JSON of its own is refused, wherever it stands.
func TestAProgramIsToldOfJSONThatOthersCannotRead(t *testing.T) {
	bad := json.RawMessage(`1e400`)
	for _, v := range []any{bad, json.Number("1e400"), map[string]any{"a": bad}, struct{ A []json.RawMessage }{[]json.RawMessage{bad}}} {
		var flaw *Error
		if text, _, err := AppendEvent(nil, "/", 0, false, "e", []any{v}); !errors.As(err, &flaw) || text != nil {
			t.Errorf("%T: %s, %v", v, text, err)
		}
		if text, _, err := AppendAck(nil, "/", 1, []any{v}); !errors.As(err, &flaw) || text != nil {
			t.Errorf("%T: %s, %v", v, text, err)
		}
	}
}

func TestAuthIsPortable(t *testing.T) {
	p, err := Parse([]byte(`0{"n":1e400,"s":"\udc00"}`), &DefaultLimits)
	if err != nil || string(p.Data) != "{\"n\":null,\"s\":\"\ufffd\"}" {
		t.Errorf("%s, %v", p.Data, err)
	}
}

func TestWhatJavaScriptWritesIsPortable(t *testing.T) {
	for _, raw := range []string{
		`"\ud83d\ude00"`, `"\\ud800"`, `"\u00e9\n\ud83d\ude00\u0000"`, `1.7976931348623157e308`, `5e-324`, `-0`, `1e-400`,
		`[]`, `{}`,
		`12345678901234567890`, `{"a":[1,-2.5,true,null,"1e400"]}`, `null`, `"😀"`, strings.Repeat("9", 300),
	} {
		if err := received(t, `2["e",`+raw+`]`)[0].Portable(); err != nil {
			t.Errorf("%.40s: %v", raw, err)
		}
	}
	if err := (Arg{}).Portable(); err != nil {
		t.Error(err)
	}
}

func FuzzPortable(f *testing.F) {
	for _, raw := range []string{`1e400`, `"\ud800"`, `{"a":[1,"\ud83d\ude00"]}`, `[1.5,-0,"\\"]`} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		arg, err := NewArg(raw)
		if err != nil {
			return
		}
		raw = arg.JSON()
		if again, err := NewArg(raw); err != nil || again.Portable() != nil {
			t.Fatalf("%q is not portable: %v", raw, err)
		}
		var v any // what is portable Go can read, and it reads no half of a surrogate pair
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatalf("%q: %v", raw, err)
		}
		if text, _ := json.Marshal(v); strings.Contains(string(text), "\ufffd") && !strings.Contains(string(raw), "\ufffd") &&
			!strings.Contains(strings.ToLower(string(raw)), `ufffd`) {
			t.Fatalf("%q became %q", raw, text)
		}
	})
}

func BenchmarkPortable(b *testing.B) {
	for name, raw := range map[string]string{
		"text": `"` + strings.Repeat("x", 128) + `"`, "object": `{"name":"Ann","at":1712345678901,"tags":["a","b"],"on":true}`,
	} {
		b.Run(name, func(b *testing.B) {
			arg, err := NewArg([]byte(raw))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				_, _ = portable(arg.raw)
			}
		})
	}
}
