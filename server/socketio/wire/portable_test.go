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
		if err != nil || arg.Portable() != nil {
			return
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
				_ = arg.Portable()
			}
		})
	}
}
