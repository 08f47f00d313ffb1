package socketio_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// An engineMessage is an Engine.IO packet: its text with the type's digit, or the bytes of a binary message.
type engineMessage struct {
	binary bool
	data   []byte
}

func (m engineMessage) String() string { return string(m.data) }

func (p *peer) readSocket() {
	defer close(p.packets)
	for {
		m, err := p.readFrame()
		if err != nil || p.take(m) != nil {
			return
		}
	}
}

func (p *peer) readPolls() {
	defer close(p.packets)
	for {
		messages, err := p.poll()
		if err != nil {
			return
		}
		for _, m := range messages {
			if p.take(m) != nil {
				return
			}
		}
	}
}

var errOver = errors.New("the server has closed the session")

// take takes one message from the server.
func (p *peer) take(m engineMessage) error {
	switch {
	case m.binary && p.mode.msgpack():
		p.partial, p.missing = unpacked(m.data), 0
		p.takeOffset()
	case m.binary:
		p.partial.attachments = append(p.partial.attachments, m.data)
		p.missing--
	case m.data[0] == '1':
		return errOver
	case m.data[0] == '2' && !p.mute.Load():
		go p.write(engineMessage{data: []byte("3")}) // ends with its request
		return nil
	case m.data[0] == '4':
		p.partial = &packet{text: string(m.data[1:])}
		p.missing = announced(p.partial.text)
		p.takeOffset()
	default:
		return nil
	}
	if p.missing == 0 {
		p.packets <- *p.partial
	}
	return nil
}

// offsetAtEnd is the end of an event with an offset behind its arguments.
var offsetAtEnd = regexp.MustCompile(`^,"([A-Za-z0-9_-]{14}|[A-Za-z0-9_-]{22})"\]$`)

// takeOffset takes the offset off an event, and notes it.
func (p *peer) takeOffset() {
	if p.mode.version == 4 {
		p.partial.text, p.partial.offset = cutOffset(p.partial.text)
	}
}

func cutOffset(text string) (rest, offset string) {
	if text[0] != '2' && text[0] != '5' {
		return text, ""
	}
	for _, size := range []int{len(`,"12345678901234"]`), len(`,"1234567890123456789012"]`)} { // the second of an event that is not recorded
		if start := len(text) - size; start > 0 {
			if found := offsetAtEnd.FindStringSubmatch(text[start:]); found != nil {
				return text[:start] + "]", found[1]
			}
		}
	}
	return text, ""
}

// announced returns how many attachments a packet has.
func announced(text string) int {
	if text[0] != '5' && text[0] != '6' {
		return 0
	}
	digits, _, _ := strings.Cut(text[1:], "-")
	n, _ := strconv.Atoi(digits)
	return n
}

func (p *peer) write(messages ...engineMessage) error {
	if p.conn == nil {
		return p.post(messages)
	}
	for _, m := range messages {
		if err := p.writeFrame(m); err != nil {
			return err
		}
	}
	return nil
}

func (p *peer) writeFrame(m engineMessage) error {
	_, err := p.conn.Write(m.frame(p.mode.version))
	return err
}

// frame returns the message as a client's WebSocket frame.
func (m engineMessage) frame(version int) []byte {
	if !m.binary {
		return ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame(m.data)))
	}
	if version == 3 {
		m.data = append([]byte{4}, m.data...)
	}
	return ws.MustCompileFrame(ws.MaskFrame(ws.NewBinaryFrame(m.data)))
}

func (p *peer) readFrame() (engineMessage, error) {
	data, op, err := wsutil.ReadServerData(p.from)
	if op == ws.OpBinary && p.mode.version == 3 && len(data) > 0 {
		data = data[1:]
	}
	return engineMessage{op == ws.OpBinary, data}, err
}

func (p *peer) pollURL() string {
	at := p.url + "&transport=polling"
	if p.sid != "" {
		at += "&sid=" + url.QueryEscape(p.sid)
	}
	return at
}

func (p *peer) request(method, contentType string, body io.Reader) (http.Header, []byte, error) {
	r, err := http.NewRequestWithContext(p.ctx, method, p.pollURL(), body)
	if err != nil {
		return nil, nil, err
	}
	r.Header.Set("Content-Type", contentType)
	answer, err := p.http.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: status %d: %.200s", method, answer.StatusCode, got)
	}
	return answer.Header, got, err
}

func (p *peer) post(messages []engineMessage) error {
	var body strings.Builder
	for i, m := range messages {
		text := string(m.data)
		if m.binary {
			text = "b" + base64.StdEncoding.EncodeToString(m.data)
			if p.mode.version == 3 {
				text = "b4" + text[1:]
			}
		}
		if p.mode.version == 3 {
			text = fmt.Sprintf("%d:%s", len(utf16.Encode([]rune(text))), text)
		} else if i > 0 {
			body.WriteByte(0x1e)
		}
		body.WriteString(text)
	}
	if p.mode.way() != "jsonp" {
		_, _, err := p.request("POST", "text/plain;charset=UTF-8", strings.NewReader(body.String()))
		return err
	}
	form := strings.NewReplacer(`\n`, `\\n`, "\n", `\n`).Replace(body.String())
	_, _, err := p.request("POST", "application/x-www-form-urlencoded", strings.NewReader("d="+url.QueryEscape(form)))
	return err
}

var script = regexp.MustCompile(`(?s)^___eio\[7\]\((".*")\);$`)

func (p *peer) poll() (messages []engineMessage, err error) {
	h, body, err := p.request("GET", "", nil)
	if err != nil {
		return nil, err
	}
	if p.mode.way() == "jsonp" {
		call := script.FindSubmatch(body)
		var text string
		if call == nil || json.Unmarshal(call[1], &text) != nil {
			return nil, fmt.Errorf("%.100q is no call of the callback", body)
		}
		body = []byte(text)
	}
	switch {
	case p.mode.version == 4:
		for _, text := range bytes.Split(body, []byte{0x1e}) {
			messages = append(messages, fromText(text, 1))
		}
	case h.Get("Content-Type") == "application/octet-stream":
		return fromBinaryPayload(body)
	default:
		return fromTextPayload(string(body))
	}
	return messages, nil
}

// fromText decodes an Engine.IO packet in text, whose base64 form has a mark before it.
func fromText(text []byte, mark int) engineMessage {
	if text[0] != 'b' {
		return engineMessage{data: text}
	}
	data, err := base64.StdEncoding.DecodeString(string(text[mark:]))
	if err != nil {
		panic(err)
	}
	return engineMessage{true, data}
}

func fromTextPayload(body string) (messages []engineMessage, err error) {
	for units := utf16.Encode([]rune(body)); len(units) > 0; {
		colon := 0
		for units[colon] != ':' {
			colon++
		}
		n, err := strconv.Atoi(string(utf16.Decode(units[:colon])))
		if err != nil {
			return nil, err
		}
		units = units[colon+1:]
		messages = append(messages, fromText([]byte(string(utf16.Decode(units[:n]))), 2))
		units = units[n:]
	}
	return messages, nil
}

func fromBinaryPayload(body []byte) (messages []engineMessage, err error) {
	for len(body) > 0 {
		end, n := bytes.IndexByte(body, 0xff), 0
		for _, digit := range body[1:end] {
			n = n*10 + int(digit)
		}
		data := body[end+1 : end+1+n]
		if body[0] == 1 {
			messages = append(messages, engineMessage{true, data[1:]})
		} else {
			messages = append(messages, engineMessage{data: data})
		}
		body = body[end+1+n:]
	}
	return messages, nil
}
