package wire

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

// parseVector decodes a vector's packet as its client's coding has it.
func parseVector(t testing.TB, packet string) (Packet, [][]byte, error) {
	t.Helper()
	if packet[0] == '{' {
		p, err := ParseObject([]byte(packet), &DefaultLimits)
		return p, nil, err
	}
	return ParseMsgpack(unhex(t, packet), &DefaultLimits)
}

func unhex(t testing.TB, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPacketsOfTheMsgpackParserMeanWhatTheirClientsSent(t *testing.T) {
	for _, v := range msgpackVectors {
		p, attachments, err := parseVector(t, v.packet)
		if err != nil {
			t.Errorf("%s: %v", v.name, err)
			continue
		}
		header := string(appendHeader(nil, v.kind, v.namespace, 0, false)) + v.id
		if got := string(appendHeader(nil, p.Type, p.Namespace, p.ID, p.HasID)); got != header || string(p.Data) != v.data {
			t.Errorf("%s: got %s%s, want %s%s", v.name, got, p.Data, header, v.data)
		}
		var got []string
		for _, a := range attachments {
			got = append(got, hex.EncodeToString(a))
		}
		if !reflect.DeepEqual(got, v.attachments) {
			t.Errorf("%s: the attachments are %v, want %v", v.name, got, v.attachments)
		}
		if p.IsEvent() && p.Event == "" {
			t.Errorf("%s: the event has no name", v.name)
		}
	}
}

func TestWhatIsWrittenAsMsgpackIsReadAsTheSame(t *testing.T) {
	for _, v := range msgpackVectors {
		p, attachments, err := parseVector(t, v.packet)
		if err != nil {
			t.Fatal(err)
		}
		if p.Type == Connect && strings.Contains(p.Namespace, ",") {
			continue // a query, which nobody sends back
		}
		text := textOf(p, len(attachments))
		again, bytesAgain, err := ParseMsgpack(AppendMsgpack(nil, text, attachments), &DefaultLimits)
		if err != nil {
			t.Errorf("%s: %v", v.name, err)
			continue
		}
		if got := textOf(again, len(bytesAgain)); string(got) != string(text) {
			t.Errorf("%s: got %s, want %s", v.name, got, text)
		}
		if len(attachments) != len(bytesAgain) || len(attachments) > 0 && !reflect.DeepEqual(attachments, bytesAgain) {
			t.Errorf("%s: the attachments are %x, want %x", v.name, bytesAgain, attachments)
		}
	}
}

// textOf writes a packet as clients with the JSON parser get it.
func textOf(p Packet, attachments int) []byte {
	text := append(appendHeader(nil, p.Type, p.Namespace, p.ID, p.HasID), p.Data...)
	return withAttachments(text, 0, attachments)
}

func TestMsgpackOfPacketsIsWhatTheParsersCheckFor(t *testing.T) {
	for _, c := range []struct {
		text        []byte
		attachments [][]byte
		want        string // of an independent decoder: JSON with binary data in base64
	}{
		{AppendConnect(nil, "/", []byte(`{"sid":"x"}`)), nil, `{"type":0,"data":{"sid":"x"},"nsp":"/"}`},
		{AppendConnect(nil, "/chat", nil), nil, `{"type":0,"nsp":"/chat"}`}, // data must be missing for 2.x
		{AppendDisconnect(nil, "/"), nil, `{"type":1,"nsp":"/"}`},
		{AppendConnectError(nil, "/a", []byte(`"no"`)), nil, `{"type":4,"data":"no","nsp":"/a"}`},
		{[]byte(`2["a"]`), nil, `{"type":2,"data":["a"],"nsp":"/"}`},
		{[]byte(`2/a,7["a", {"b" : [ ] , "c":{}} ]`), nil, `{"type":2,"data":["a",{"b":[],"c":{}}],"id":7,"nsp":"/a"}`},
		{[]byte(`3/a,0[]`), nil, `{"type":3,"data":[],"id":0,"nsp":"/a"}`},
		{[]byte(`51-["a",{"_placeholder":true,"num":0}]`), [][]byte{{1, 2, 3}}, `{"type":2,"data":["a","AQID"],"nsp":"/"}`},
		{
			[]byte(`62-/a,5[{"x":{"num":1,"_placeholder":true},"y":{"_placeholder":true,"num":0}}]`), [][]byte{{1}, {}},
			`{"type":3,"data":[{"x":"","y":"AQ=="}],"id":5,"nsp":"/a"}`,
		},
		{[]byte(`2["a",{"_placeholder":true,"num":0}]`), nil, `{"type":2,"data":["a",{"_placeholder":true,"num":0}],"nsp":"/"}`},
		{[]byte(`2["\"\\\u00e9\ud83d\ude00\n"]`), nil, `{"type":2,"data":["\"\\é😀\n"],"nsp":"/"}`},
		{[]byte(`2["a","\ud800"]`), nil, `{"type":2,"data":["a","` + "\ufffd" + `"],"nsp":"/"}`},
	} {
		b := AppendMsgpack([]byte("before"), c.text, c.attachments)
		var got bytes.Buffer
		rest, err := msgp.UnmarshalAsJSON(&got, b[len("before"):])
		if err != nil || len(rest) > 0 {
			t.Errorf("%s: %d bytes are left, error %v", c.text, len(rest), err)
		}
		var a, w any
		if json.Unmarshal(got.Bytes(), &a) != nil || json.Unmarshal([]byte(c.want), &w) != nil || !reflect.DeepEqual(a, w) {
			t.Errorf("%s: got %s, want %s", c.text, got.Bytes(), c.want)
		}
	}
}

func TestNumbersKeepTheirValueInMsgpack(t *testing.T) {
	for raw, want := range map[string]string{
		"0": "00", "127": "7f", "-1": "ff", "-0": "cb8000000000000000", "1.5": "cb3ff8000000000000",
		"1e2":                  "cb4059000000000000",
		"18446744073709551615": "cfffffffffffffffff", "-9223372036854775808": "d38000000000000000",
		"9007199254740993": "d30020000000000001", "18446744073709551616": "cb43f0000000000000",
		"1e400": "cb7ff0000000000000", "-1e400": "cbfff0000000000000",
	} {
		if got := hex.EncodeToString(appendMsgpackNumber(nil, []byte(raw))); got != want {
			t.Errorf("%s is %s, want %s", raw, got, want)
		}
	}
	for packed, want := range map[string]string{
		"cfffffffffffffffff": "18446744073709551615", "d38000000000000000": "-9223372036854775808",
		"ca3dcccccd": "0.10000000149011612", "ca7fc00000": "null", "cb8000000000000000": "-0",
		"cb444b1ae4d6e2ef50": "1e+21", "cb444b1ae4d6e2ef4f": "999999999999999900000",
		"cb3eb0c6f7a0b5ed8d": "0.000001", "cb3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
	} {
		r := msgpackReader{rest: unhex(t, packed), limits: &DefaultLimits}
		if err := r.value(0); err != nil || string(r.text) != want {
			t.Errorf("%s is %s, error %v; want %s", packed, r.text, err, want)
		}
	}
}

// packed returns a packet of an event: its data is ["e", value].
func packed(t testing.TB, value string) []byte {
	t.Helper()
	return unhex(t, "83a474797065"+"02"+"a36e7370"+"a12f"+"a464617461"+"92a165"+value)
}

func TestMsgpackBeyondLimitsOrFormIsRefused(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("91", n) + "c0" }
	for name, c := range map[string]struct {
		packet []byte
		err    error
	}{
		"an array of 2^32-1 elements":     {packed(t, "ddffffffff"), errMsgpack},
		"a map of 2^32-1 members":         {packed(t, "dfffffffff"), errMsgpack},
		"a string of 4 GiB":               {packed(t, "dbffffffff"), errMsgpack},
		"bytes of 4 GiB":                  {packed(t, "c6ffffffff"), errMsgpack},
		"an extension of 4 GiB":           {packed(t, "c9ffffffff05"), errMsgpack},
		"a packet of 2^32-1 members":      {unhex(t, "dfffffffff"), errMsgpack},
		"deep arrays":                     {packed(t, deep(255)), nil},
		"arrays that are too deep":        {packed(t, deep(256)), ErrDepth},
		"a hundred thousand arrays":       {packed(t, strings.Repeat("91", 100_000)), ErrDepth},
		"arrays in a member that is none": {unhex(t, "81a16f"+strings.Repeat("91", 100_000)), errMsgpack},
		"eleven attachments":              {packed(t, "9b"+strings.Repeat("c40100", 11)), ErrManyAttachments},
		"an extension that is unknown":    {packed(t, "d605"+"01020304"), nil},
		"a string that is no UTF-8":       {packed(t, "a2c328"), errInvalidUTF8},
		"half a surrogate pair":           {packed(t, "a3eda080"), errInvalidUTF8},
		"a key that is no UTF-8":          {packed(t, "81a2c32801"), errInvalidUTF8},
		"a key that is nil":               {packed(t, "81c001"), errKey},
		"a key that is an array":          {packed(t, "819001"), errKey},
		"a key that is bytes":             {packed(t, "81c4016101"), errKey},
		"a byte that is never used":       {packed(t, "c1"), errMsgpack},
		"something behind the packet":     {packed(t, "c0c0"), errMsgpack},
		"nothing":                         {nil, errMsgpack},
		"no map":                          {unhex(t, "93c0c0c0"), errMsgpack},
		"no namespace":                    {unhex(t, "81a47479706501"), errMsgpack},
		"no type":                         {unhex(t, "81a36e7370a12f"), errMsgpack},
		"an unknown type":                 {unhex(t, "82a47479706507a36e7370a12f"), errType},
		"a type that is a string":         {unhex(t, "82a474797065a130a36e7370a12f"), errType},
		"a type twice":                    {unhex(t, "83a47479706501a47479706501a36e7370a12f"), errTwice},
		"a namespace without a slash":     {unhex(t, "82a47479706501a36e7370a161"), errNamespace},
		"a namespace with a comma":        {unhex(t, "82a47479706501a36e7370a42f612c62"), errNamespace},
		"an id below 0":                   {unhex(t, "84a47479706502a36e7370a12fa46461746191a165a26964ff"), errID},
		"a reserved name": {unhex(t, "83a47479706502a36e7370a12fa46461746191a7636f6e6e656374"),
			errEventName},
		"an event without data":            {unhex(t, "82a47479706502a36e7370a12f"), errPayload},
		"a disconnect with data":           {unhex(t, "83a47479706501a36e7370a12fa46461746191a165"), errPayload},
		"a connect with an array":          {unhex(t, "83a47479706500a36e7370a12fa46461746191a165"), errPayload},
		"a connect with nil, as of Python": {unhex(t, "83a47479706500a464617461c0a36e7370a12f"), nil},
		"a placeholder beside bytes":       {packed(t, "92"+"81ac5f706c616365686f6c646572c3"+"c40100"), errMark},
		"a placeholder alone":              {packed(t, "81ac5f706c616365686f6c646572c3"), nil},
	} {
		if _, _, err := ParseMsgpack(c.packet, &DefaultLimits); !errors.Is(err, c.err) {
			t.Errorf("%s: got %v, want %v", name, err, c.err)
		}
	}
}

func TestMsgpackThatIsMuchLongerInJSONIsRefused(t *testing.T) {
	limits := DefaultLimits
	limits.MaxText = 1000
	for _, c := range []struct {
		value string
		err   error
	}{
		{"dc0064" + strings.Repeat("c0", 100), nil},
		{"dc0100" + strings.Repeat("c0", 256), ErrText},
		{"da0100" + strings.Repeat("01", 256), ErrText},
	} {
		if _, _, err := ParseMsgpack(packed(t, c.value), &limits); !errors.Is(err, c.err) {
			t.Errorf("%.10s: got %v, want %v", c.value, err, c.err)
		}
	}
}

func TestHeadersThatAnnounceMuchAllocateLittle(t *testing.T) {
	for _, value := range []string{"ddffffffff", "dfffffffff", "dbffffffff", "c6ffffffff", "c9ffffffff05"} {
		packet := packed(t, value)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := ParseMsgpack(packet, &DefaultLimits)
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; err == nil || n > 64<<10 {
			t.Errorf("%s allocates %d bytes, error %v", value, n, err)
		}
	}
}

func TestUnknownExtensionsAreArraysOfTypeAndBytes(t *testing.T) {
	for value, want := range map[string]string{
		"d4057f": "05", "d6ff01020304": "-1", "c70305010203": "5", "d50001020304": "",
	} {
		p, attachments, err := ParseMsgpack(packed(t, value), &DefaultLimits)
		if want == "" {
			if err == nil {
				t.Errorf("%s is taken", value)
			}
			continue
		}
		if err != nil || len(attachments) != 1 || !strings.HasPrefix(string(p.Data), `["e",[`) {
			t.Errorf("%s: got %s, %x, error %v", value, p.Data, attachments, err)
		}
	}
}

func TestKeysThatAreIntegersBecomeStrings(t *testing.T) {
	p, _, err := ParseMsgpack(packed(t, "8301a161ffa162cfffffffffffffffffa163"), &DefaultLimits)
	if want := `["e",{"1":"a","-1":"b","18446744073709551615":"c"}]`; err != nil || string(p.Data) != want {
		t.Errorf("got %s, error %v; want %s", p.Data, err, want)
	}
}

func TestObjectsOfOldClientsAreConnectsAndDisconnectsAlone(t *testing.T) {
	for text, want := range map[string]error{
		`{"type":2,"nsp":"/","data":["a"]}`: errType,
		`{"type":0,"nsp":"a"}`:              errNamespace,
		`{"type":0}`:                        errNamespace,
		`{"type":0,"nsp":"/a,b"}`:           errNamespace,
		`{"type":"0","nsp":"/"}`:            errPayload,
		`{"type":300,"nsp":"/"}`:            errPayload,
		`0`:                                 errPayload,
		`{"type":0,"nsp":"/"`:               errPayload,
		`{"type":1,"nsp":"/"}`:              nil,
	} {
		if _, err := ParseObject([]byte(text), &DefaultLimits); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", text, err, want)
		}
	}
}

func TestDeepAndWideJSONIsWrittenInOnePass(t *testing.T) {
	wide := strings.Repeat(`0,`, 70_000) + "0"
	text := []byte(`2["e",[` + wide + `],` + strings.Repeat(`[{"a":`, 1000) + "1" + strings.Repeat("}]", 1000) + "]")
	b := AppendMsgpack(nil, text, nil)
	limits := DefaultLimits
	limits.MaxDepth, limits.MaxArgs = math.MaxInt, math.MaxInt
	p, _, err := ParseMsgpack(b, &limits)
	if err != nil || string(p.Data) != string(text[1:]) {
		t.Errorf("error %v, %d bytes came back of %d", err, len(p.Data), len(text)-1)
	}
}
