package doctor

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A handshake is what the OPEN packet tells (Engine.IO protocol, Handshake). Times are in milliseconds.
type handshake struct {
	Sid          string   `json:"sid"`
	Upgrades     []string `json:"upgrades"`
	PingInterval int      `json:"pingInterval"`
	PingTimeout  int      `json:"pingTimeout"`
	MaxPayload   int      `json:"maxPayload"` // bytes; 0: the server does not tell
}

var (
	errPayload   = errors.New("the answer is not what Engine.IO sends")
	errHandshake = errors.New("the session does not begin with an OPEN packet")
)

// parseOpen reads an OPEN packet.
func parseOpen(packet string) (h handshake, err error) {
	text, ok := strings.CutPrefix(packet, "0")
	if !ok || json.Unmarshal([]byte(text), &h) != nil || h.Sid == "" {
		return handshake{}, errHandshake
	}
	return h, nil
}

// decodePayload reads the packets of a poll's answer: separated by U+001E in version 4, each behind its length in
// UTF-16 units and a colon in version 3.
func decodePayload(version int, body string) ([]string, error) {
	if !utf8.ValidString(body) {
		return nil, errPayload
	}
	if version == 4 {
		return strings.Split(body, "\x1e"), nil
	}
	var packets []string
	for body != "" {
		length, rest, ok := strings.Cut(body, ":")
		units, err := strconv.Atoi(length)
		if !ok || err != nil || units < 1 {
			return nil, errPayload
		}
		end, ok := bytesOf(rest, units)
		if !ok {
			return nil, errPayload
		}
		packets, body = append(packets, rest[:end]), rest[end:]
	}
	return packets, nil
}

// bytesOf returns how many bytes the first UTF-16 units of a text take.
func bytesOf(text string, units int) (n int, ok bool) {
	for _, r := range text {
		if units <= 0 {
			break
		}
		if units--; r > 0xFFFF {
			units--
		}
		n += utf8.RuneLen(r)
	}
	return n, units == 0
}

func encodePayload(version int, packets ...string) string {
	if version == 4 {
		return strings.Join(packets, "\x1e")
	}
	var b strings.Builder
	for _, packet := range packets { // they are ASCII
		b.WriteString(strconv.Itoa(len(packet)) + ":" + packet)
	}
	return b.String()
}

// decodeJSONP reads the script that a JSONP poll is answered with: ___eio[0]("PAYLOAD");
func decodeJSONP(script string) (payload string, err error) {
	text, ok := strings.CutPrefix(script, "___eio[0](")
	if !ok {
		return "", errPayload
	}
	text, ok = strings.CutSuffix(strings.TrimSpace(text), ");")
	if !ok || json.Unmarshal([]byte(text), &payload) != nil {
		return "", errPayload
	}
	return payload, nil
}

// nowhere is a namespace that servers do not have. To connect to it is answered, and has no other effect.
const nowhere = "/crier-doctor"

// question and isReply are a round trip through the server's Socket.IO in version 4, and through its Engine.IO in
// version 3, where the client sends the pings.
func question(version int) string {
	if version == 4 {
		return "40" + nowhere + ","
	}
	return "2"
}

func isReply(version int, packet string) bool {
	if version == 4 { // refused, or connected where any namespace is taken
		return strings.HasPrefix(packet, "44"+nowhere) || strings.HasPrefix(packet, "40"+nowhere)
	}
	return packet == "3"
}
