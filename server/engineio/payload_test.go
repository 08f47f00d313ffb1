package engineio

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

func collect(version int, binary bool, body []byte) (packets []packet, err error) {
	err = decodePayload(version, binary, body, func(p packet) error {
		packets = append(packets, p)
		return nil
	})
	return packets, err
}

func TestDecodePayloadReadsWhatTheReferenceReads(t *testing.T) {
	for _, v := range readVectors(t).Payloads {
		packets, err := collect(v.Version, v.Binary, v.Body)
		if (err != nil) != v.Error {
			t.Errorf("EIO %d binary=%v %q: error %v, reference fails: %v", v.Version, v.Binary, v.Body, err, v.Error)
			continue
		}
		checkPackets(t, packets, v.Packets)
	}
}

func TestAppendPayloadWritesWhatTheReferenceWrites(t *testing.T) {
	for _, v := range readVectors(t).Encodings {
		var packets []wirePacket
		for _, p := range v.Packets {
			packets = append(packets, encodePacket(v.Version, p.packet()))
		}
		body, binary := appendPayload(nil, v.Version, v.B64, slices.Values(packets))
		if binary != v.Binary || !bytes.Equal(body, v.Body) {
			t.Errorf("EIO %d b64=%v: got binary=%v %q, want binary=%v %q", v.Version, v.B64, binary, body, v.Binary, v.Body)
		}
	}
}

func TestDecodePayloadIsStricterThanTheReference(t *testing.T) {
	tests := []struct {
		name    string
		version int
		binary  bool
		body    string
		want    error
	}{
		{"binary body in EIO 4", 4, true, "4a", errBinaryPayload},
		{"invalid UTF-8 in EIO 4", 4, false, "4\xff", errInvalidUTF8},
		{"invalid UTF-8 in EIO 3", 3, false, "2:4\xff", errInvalidUTF8},
		{"an encoded surrogate", 3, true, "\x00\x04\xff4\xed\xa0\x80", errInvalidUTF8},
		{"a length that ends inside a surrogate pair", 3, false, "2:4😀", errPayloadLength},
		{"a length with a sign", 3, false, "+1:4", errPayloadLength},
		{"a length in hexadecimal", 3, false, "0x1:4", errPayloadLength},
		{"a binary packet cut short", 3, true, "\x01\x05\xff\x04ab", errPayloadLength},
		{"a length byte that is no digit", 3, true, "\x00\x0a\xff4aaaaaaaaa", errPayloadLength},
		{"a length of 10^9", 3, true, "\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\x04", errPayloadLength},
		{"no length", 3, true, "\x00\xff4", errPayloadLength},
		{"an unknown marker", 3, true, "\x02\x01\xff4", errPayloadMarker},
		{"an empty binary packet", 3, true, "\x01\x00\xff", errEmptyPacket},
	}
	for _, tt := range tests {
		if _, err := collect(tt.version, tt.binary, []byte(tt.body)); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestTheCallersErrorStopsThePayload(t *testing.T) {
	stop := errors.New("stop")
	for _, tt := range []struct {
		version int
		binary  bool
		body    string
	}{
		{4, false, "41\x1e42\x1e43"}, {3, false, "2:412:422:43"}, {3, true, "\x00\x02\xff41\x00\x02\xff42\x00\x02\xff43"},
	} {
		n := 0
		err := decodePayload(tt.version, tt.binary, []byte(tt.body), func(packet) error {
			if n++; n == 2 {
				return stop
			}
			return nil
		})
		if err != stop || n != 2 {
			t.Errorf("EIO %d binary=%v: %v after %d packets", tt.version, tt.binary, err, n)
		}
	}
}

// All but the newest old clients read text beyond ASCII from the binary form alone.
func TestTextBeyondASCIIGoesOutInTheBinaryFormOfEIO3(t *testing.T) {
	packets := []wirePacket{{data: []byte("4a")}, {data: []byte("4说")}}
	body, binary := appendPayload(nil, 3, false, slices.Values(packets))
	if want := "\x00\x02\xff4a\x00\x04\xff4说"; !binary || string(body) != want {
		t.Errorf("got binary=%v %q, want %q", binary, body, want)
	}
}

func TestAppendPayloadKeepsWhatIsThere(t *testing.T) {
	for _, version := range []int{3, 4} {
		body, _ := appendPayload([]byte("head "), version, true, slices.Values([]wirePacket{{data: []byte("4a")}}))
		if !strings.HasPrefix(string(body), "head ") || !strings.HasSuffix(string(body), "4a") {
			t.Errorf("EIO %d: %q", version, body)
		}
	}
}

func TestAPayloadHasALimitOfPackets(t *testing.T) {
	for name, tt := range map[string]struct {
		version int
		binary  bool
		packet  string
		more    string
	}{
		"EIO 4":        {4, false, "2", "\x1e2"},
		"EIO 3 text":   {3, false, "1:4", "1:4"},
		"EIO 3 empty":  {3, false, "1:4", "0:"},
		"EIO 3 binary": {3, true, "\x00\x01\xff4", "\x00\x01\xff4"},
	} {
		full := tt.packet + strings.Repeat(tt.more, maxPayloadPackets-1)
		if _, err := collect(tt.version, tt.binary, []byte(full)); err != nil {
			t.Errorf("%s at the limit: %v", name, err)
		}
		if _, err := collect(tt.version, tt.binary, []byte(full+tt.more)); err != errPayloadPackets {
			t.Errorf("%s over the limit: %v", name, err)
		}
	}
}

// CVE-2020-36048 and CVE-2020-36049: bodies that made decoders copy over and over, or reserve what
// was only announced. Nothing here may allocate, so the work can't but be in proportion to the body.
func TestHostilePayloadsCostNoMemory(t *testing.T) {
	const size = 1 << 20
	bodies := map[string]struct {
		version int
		binary  bool
		body    string
	}{
		"many messages":        {3, false, strings.Repeat("1:4", size/3)},
		"one large packet":     {3, false, "1048576:4" + strings.Repeat("a", size-1)},
		"large beyond ASCII":   {3, false, "524289:4" + strings.Repeat("é", size/2)},
		"announced only":       {3, false, "1000000000:4" + strings.Repeat("a", size)},
		"endless length":       {3, false, strings.Repeat("0", size)},
		"endless binary":       {3, true, strings.Repeat("\x00", size)},
		"many binary":          {3, true, strings.Repeat("\x01\x01\xff\x04", size/4)},
		"announced binary":     {3, true, "\x01\x09\x09\x09\x09\x09\x09\x09\x09\x09\xff\x04"},
		"EIO 4 many":           {4, false, strings.Repeat("2\x1e", size/2)},
		"EIO 4 one large":      {4, false, "4" + strings.Repeat("a", size)},
		"EIO 4 separators":     {4, false, strings.Repeat("\x1e", size)},
		"EIO 4 not UTF-8 late": {4, false, "4" + strings.Repeat("a", size) + "\xff"},
	}
	for name, tt := range bodies {
		body := []byte(tt.body)
		packets := 0
		count := func(packet) error { packets++; return nil }
		if n := testing.AllocsPerRun(10, func() { packets = 0; _ = decodePayload(tt.version, tt.binary, body, count) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
		if packets > maxPayloadPackets {
			t.Errorf("%s: %d packets", name, packets)
		}
	}
}

func TestRepairUndoesTheSecondEncodingOfOldClients(t *testing.T) {
	doubled := func(s string) string {
		var b strings.Builder
		for _, c := range []byte(s) {
			b.WriteRune(rune(c))
		}
		return b.String()
	}
	for _, s := range []string{"plain", `2["message","say说:hello !"]`, "é", "😀x😀", "�", ""} {
		var r textRepair
		if got := r.repair([]byte(doubled(s))); string(got) != s {
			t.Errorf("%q: got %q", s, got)
		}
	}
	for _, s := range []string{"说", "é", "Ã", "😀", "naïve", "Ã©说", "Â", "ð\u009f\u0098"} {
		var r textRepair
		if got := r.repair([]byte(s)); string(got) != s || !r.plain {
			t.Errorf("%q of a newer client: got %q", s, got)
		}
		if got := r.repair([]byte("Ã©")); string(got) != "Ã©" {
			t.Errorf("after %q the client is known, yet Ã© became %q", s, got)
		}
	}
}

func TestOldClientsAreKnownByTheirTimestamp(t *testing.T) {
	for value, want := range map[string]bool{
		"1404141414141-0": true, "1404141414141-123": true,
		"": false, "N8hyd6w": false, "12-34": false, "Lx-1": false, "1404141414141": false, "1404141414141-": false, "-1": false, "N8hyd6w.12": false, "1404141414141-x": false,
	} {
		if got := readsBinaryPayloadsOnly(value); got != want {
			t.Errorf("t=%q: %v", value, got)
		}
	}
}

func BenchmarkAppendPayload(b *testing.B) {
	packets := make([]wirePacket, 16)
	for i := range packets {
		packets[i].data = []byte(`42["news","` + strings.Repeat("x", 128) + `"]`)
	}
	for name, version := range map[string]int{"EIO4": 4, "EIO3": 3} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var dst []byte
			for b.Loop() {
				dst, _ = appendPayload(dst[:0], version, true, slices.Values(packets))
			}
			b.SetBytes(int64(len(dst)))
		})
	}
}

func BenchmarkDecodePayload(b *testing.B) {
	text := `42["message","` + strings.Repeat("x", 111) + `"]`
	for name, tt := range map[string]struct {
		version int
		body    string
	}{
		"EIO4":         {4, text + strings.Repeat("\x1e"+text, 15)},
		"EIO3":         {3, strings.Repeat("127:"+text, 16)},
		"EIO3 Chinese": {3, strings.Repeat("33:4"+strings.Repeat("说", 32), 16)},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(tt.body)))
			body := []byte(tt.body)
			for b.Loop() {
				if err := decodePayload(tt.version, false, body, func(packet) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
