package wire

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// Texts of arguments that some client takes for the place of an attachment.
var literals = []string{
	hole0(`"x"`), hole0("0"), hole0("7"), `{"_placeholder":true}`,
	`[1,{"a":{"_placeholder":true,"num":0}}]`,
	`{"\u005fplaceholder":true,"num":0}`, `{"_placeholder":1,"num":0}`, `{"_placeholder":"no","num":0}`,
	`{"_placeholder":{},"num":0}`, `{"_placeholder":true,"_placeholder":false,"num":0}`,
	`{"_placeholder" : true , "num" : 0}`, `{"a":"_placeholder","_placeholder":[]}`,
}

func TestAPlaceholderThatIsTextStaysTextWhenAlone(t *testing.T) {
	for _, raw := range literals {
		arg := received(t, `2["e",`+raw+`]`)[0]
		text, attachments := encoded(t, arg, "beside")
		if text != raw+`,"beside"` || len(attachments) != 0 || !arg.HasLiteralPlaceholder() {
			t.Errorf("%s went out as %s, literal: %v", raw, text, arg.HasLiteralPlaceholder())
		}
	}
}

func TestNoPlaceholderThatIsTextGoesOutBesideAttachments(t *testing.T) {
	for _, raw := range literals {
		arg := received(t, `2["e",`+raw+`]`)[0]
		for name, args := range map[string][]any{
			"before":          {arg, Binary("b")},
			"behind":          {[]byte("b"), arg},
			"in a value":      {map[string]any{"a": arg, "b": Binary("b")}},
			"as raw JSON":     {json.RawMessage(raw), Binary("b")},
			"around a binary": {map[string]any{"_placeholder": true, "num": 0, "x": Binary("b")}},
		} {
			if _, _, err := AppendEvent(nil, "/", 0, false, "e", args); !errors.Is(err, ErrPlaceholder) {
				t.Errorf("%s, %s: %v", raw, name, err)
			}
			if text, _, err := AppendAck([]byte("x"), "/", 0, args); !errors.Is(err, ErrPlaceholder) || string(text) != "x" {
				t.Errorf("%s, %s: %v, %q is left", raw, name, err, text)
			}
		}
	}
}

func TestWhatOnlyLooksALittleLikeAPlaceholderGoesOutBesideAttachments(t *testing.T) {
	for _, raw := range []string{
		`"_placeholder"`, `{"placeholder":true,"num":0}`, `{"_placeholder":false,"num":0}`, `{"_placeholder":null}`,
		`{"num":0}`, `["_placeholder",true]`, `{"_placeholder":0}`, `{"_placeholder":""}`, `{"\u005fplaceholders":1}`,
		`"\u0000"`,
	} {
		arg := received(t, `2["e",`+raw+`]`)[0]
		if text, _ := encoded(t, Binary("b"), arg); text != hole0("0")+","+raw || arg.HasLiteralPlaceholder() {
			t.Errorf("%s went out as %s, literal: %v", raw, text, arg.HasLiteralPlaceholder())
		}
	}
}

// A client can send both in one packet if the text is one that newer clients do not take for a placeholder.
func TestAnArgumentTellsThatItHasBothPlaceholdersAndAttachments(t *testing.T) {
	args := received(t, `51-["e",[`+hole0("0")+`,{"_placeholder":1}],[`+hole0("0")+`]]`, []byte("b"))
	if !args[0].HasLiteralPlaceholder() || args[1].HasLiteralPlaceholder() {
		t.Error("the first has one, the second has none")
	}
	if _, _, err := AppendEvent(nil, "/", 0, false, "e", []any{args[0]}); !errors.Is(err, ErrPlaceholder) {
		t.Errorf("got %v", err)
	}
	if (Arg{}).HasLiteralPlaceholder() {
		t.Error("null has one")
	}
}

func TestAnArgumentTellsBeforehandWhetherItCanBeInlined(t *testing.T) {
	five := "[" + strings.Repeat(hole0("0")+",", 4) + hole0("0") + "]"
	four := "[" + strings.Repeat(hole0("0")+",", 3) + hole0("0") + "]"
	args := received(t, `52-["e",`+five+`,`+four+`,`+hole0("1")+`,`+five+`,"x"]`, []byte("0123456789"), make([]byte, 1000))
	for i, want := range []bool{false, true, true, false, true} {
		_, err := args[i].MarshalJSON()
		asked := args[i].CanInline()
		raw, attachments := args[i].Parts()
		restored, restoreErr := RestoreArg(raw, attachments)
		if (err == nil) != want || (asked == nil) != want || restoreErr != nil || (restored.CanInline() == nil) != want {
			t.Errorf("argument %d: %v, CanInline %v, restored %v %v", i+1, err, asked, restoreErr, restored.CanInline())
		}
	}
	if bad := (*Error)(nil); !errors.As(args[0].CanInline(), &bad) || bad.Code != CodeBadArgument {
		t.Errorf("got %v", args[0].CanInline())
	}
}
