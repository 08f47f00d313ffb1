package engineio_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf16"
)

// The wire as a client sees it, written from the protocol's documents and apart from the code under test.

// A packet is one Engine.IO packet.
type packet struct {
	kind   byte // a digit
	binary bool
	data   string
}

func textPacket(data string) packet { return packet{kind: '4', data: data} }

func (m message) packet() packet { return packet{'4', m.binary, m.data} }

func units(s string) int { return len(utf16.Encode([]rune(s))) }

// encodePayload makes a body of packets. binary is the form for EIO 3 that octet streams have.
func encodePayload(version int, binary bool, all []packet) string {
	var b strings.Builder
	for i, p := range all {
		text := string(p.kind) + p.data
		switch {
		case version == 4 && i > 0:
			b.WriteByte(0x1e)
			fallthrough
		case version == 4:
			if p.binary {
				text = "b" + base64.StdEncoding.EncodeToString([]byte(p.data))
			}
			b.WriteString(text)
		case binary:
			marker := byte(0)
			if p.binary {
				marker, text = 1, string(p.kind-'0')+p.data
			}
			b.WriteByte(marker)
			for _, digit := range strconv.Itoa(len(text)) {
				b.WriteByte(byte(digit - '0'))
			}
			b.WriteByte(0xff)
			b.WriteString(text)
		default:
			if p.binary {
				text = "b" + string(p.kind) + base64.StdEncoding.EncodeToString([]byte(p.data))
			}
			fmt.Fprintf(&b, "%d:%s", units(text), text)
		}
	}
	return b.String()
}

// decodePayload is its inverse.
func decodePayload(version int, binary bool, body string) ([]packet, error) {
	switch {
	case version == 4:
		return decodePayload4(body)
	case binary:
		return decodeBinary3(body)
	}
	return decodeText3(body)
}

func decodePayload4(body string) (all []packet, err error) {
	for text := range strings.SplitSeq(body, "\x1e") {
		p, err := decodePacket(4, text)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

func decodeText3(body string) (all []packet, err error) {
	chars := utf16.Encode([]rune(body))
	for len(chars) > 0 {
		head, _, ok := strings.Cut(string(utf16.Decode(chars[:min(len(chars), 12)])), ":")
		length, err := strconv.Atoi(head)
		if !ok || err != nil || len(head)+1+length > len(chars) {
			return nil, fmt.Errorf("a payload with a bad length: %q", head)
		}
		p, err := decodePacket(3, string(utf16.Decode(chars[len(head)+1:len(head)+1+length])))
		if err != nil {
			return nil, err
		}
		all = append(all, p)
		chars = chars[len(head)+1+length:]
	}
	return all, nil
}

func decodeBinary3(body string) (all []packet, err error) {
	for len(body) > 0 {
		marker, rest := body[0], body[1:]
		length := 0
		for len(rest) > 0 && rest[0] != 0xff {
			length, rest = length*10+int(rest[0]), rest[1:]
		}
		if len(rest) < 1+length || length == 0 {
			return nil, fmt.Errorf("a binary payload with a bad length: %d", length)
		}
		content := rest[1 : 1+length]
		body = rest[1+length:]
		if marker == 1 {
			all = append(all, packet{'0' + content[0], true, content[1:]})
			continue
		}
		p, err := decodePacket(3, content)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

func decodePacket(version int, text string) (packet, error) {
	if text == "" {
		return packet{}, fmt.Errorf("an empty packet")
	}
	if text[0] != 'b' {
		return packet{kind: text[0], data: text[1:]}, nil
	}
	kind, encoded := byte('4'), text[1:]
	if version == 3 {
		kind, encoded = text[1], text[2:]
	}
	data, err := base64.StdEncoding.DecodeString(encoded)
	return packet{kind, true, string(data)}, err
}

// formBody is how JSONP clients post: a field of a form, with newlines kept from old browsers' hands.
func formBody(payload string) string {
	payload = strings.ReplaceAll(payload, `\n`, "\\\n")
	payload = strings.ReplaceAll(payload, "\n", `\n`)
	return url.Values{"d": {payload}}.Encode()
}

// readScript returns the string that a JSONP answer hands to callback number j.
func readScript(j, script string) (payload string, err error) {
	head, tail := "___eio["+j+"](", ");"
	if !strings.HasPrefix(script, head) || !strings.HasSuffix(script, tail) {
		return "", fmt.Errorf("not a call of callback %s: %.60q", j, script)
	}
	literal := script[len(head) : len(script)-len(tail)]
	if strings.ContainsAny(literal, "\u2028\u2029<\n\r") {
		return "", fmt.Errorf("a script that old browsers would not read, or HTML would end: %.60q", literal)
	}
	return payload, json.Unmarshal([]byte(literal), &payload)
}
