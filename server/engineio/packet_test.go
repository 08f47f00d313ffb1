package engineio

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"testing"
)

// vectors are inputs and what the reference makes of them; testdata/vectors.cjs writes the file.
type vectors struct {
	Messages  []decodeVector
	Payloads  []decodeVector
	Encodings []encodeVector
	Forms     []formVector
}

type decodeVector struct {
	Version int
	Binary  bool
	Body    hexBytes
	Packets []packetVector
	Error   bool
}

type encodeVector struct {
	Version int
	B64     bool
	Packets []packetVector
	Binary  bool
	Body    hexBytes
}

type formVector struct{ Body, Data string }

type packetVector struct {
	Type   string
	Binary bool
	Data   hexBytes
}

func (v packetVector) packet() packet {
	for kind, name := range packetNames {
		if name == v.Type {
			return packet{kind: packetType(kind), binary: v.Binary, data: v.Data}
		}
	}
	panic("no packet type " + v.Type)
}

type hexBytes []byte

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
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

func checkPackets(t testing.TB, got []packet, want []packetVector) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d packets, want %d", len(got), len(want))
	}
	for i, p := range got {
		w := want[i].packet()
		if p.kind != w.kind || p.binary != w.binary || !bytes.Equal(p.data, w.data) {
			t.Errorf("packet %d: got %v binary=%v %q, want %v binary=%v %q", i, p.kind, p.binary, p.data, w.kind, w.binary, w.data)
		}
	}
}

func TestDecodeMessageReadsWhatTheReferenceReads(t *testing.T) {
	for _, v := range readVectors(t).Messages {
		p, err := decodeMessage(v.Version, v.Binary, v.Body)
		if (err != nil) != v.Error {
			t.Errorf("EIO %d binary=%v %q: error %v, reference fails: %v", v.Version, v.Binary, v.Body, err, v.Error)
			continue
		}
		if err == nil {
			checkPackets(t, []packet{p}, v.Packets)
		}
	}
}

// The reference hands over packets of type undefined, or drops what it can't read.
func TestDecodeMessageIsStricterThanTheReference(t *testing.T) {
	tests := []struct {
		name    string
		version int
		binary  bool
		body    string
		want    error
	}{
		{"empty binary message", 3, true, "", errEmptyPacket},
		{"unknown binary type", 3, true, "\x07a", errUnknownType},
		{"digit instead of a binary type", 3, true, "4a", errUnknownType},
		{"base64 without a type", 3, false, "b", errUnknownType},
		{"base64 with an unknown type", 3, false, "b9AQIDBA==", errUnknownType},
		{"not base64", 3, false, "b4A*ID", errBase64},
		{"not base64", 4, false, "bA*ID", errBase64},
		{"one base64 character", 4, false, "bA", errBase64},
	}
	for _, tt := range tests {
		if _, err := decodeMessage(tt.version, tt.binary, []byte(tt.body)); !errors.Is(err, tt.want) {
			t.Errorf("EIO %d %s: got %v, want %v", tt.version, tt.name, err, tt.want)
		}
	}
}

func TestEveryPacketComesBackFromItsWireForm(t *testing.T) {
	for _, version := range []int{3, 4} {
		for kind := packetOpen; kind <= packetNoop; kind++ {
			for _, binary := range []bool{false, true} {
				if binary && version == 4 && kind != packetMessage {
					continue
				}
				want := packet{kind: kind, binary: binary, data: []byte("data")}
				wire := encodePacket(version, want)
				got, err := decodeMessage(version, wire.binary, wire.data)
				if err != nil || got.kind != kind || got.binary != binary || string(got.data) != "data" {
					t.Errorf("EIO %d %v binary=%v: got %+v, %v", version, kind, binary, got, err)
				}
			}
		}
	}
}

func TestPacketTypesHaveTheProtocolsNames(t *testing.T) {
	if packetMessage.String() != "message" || packetType(7).String() != "unknown" {
		t.Errorf("got %v and %v", packetMessage, packetType(7))
	}
}

func TestDecodingTextCopiesNothing(t *testing.T) {
	body := []byte("4hello")
	if n := testing.AllocsPerRun(100, func() { _, _ = decodeMessage(4, false, body) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
