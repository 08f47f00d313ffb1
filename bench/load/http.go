package load

import (
	"bytes"
	"errors"
	"strconv"
)

var errAnswer = errors.New("the server's HTTP answer can't be read")

// An answer is an HTTP response.
type answer struct {
	status int
	body   []byte
	closes bool // the connection ends with it
}

// nextAnswer takes an answer from b. size is 0 if it is not whole yet. body may lie in b.
func nextAnswer(b []byte) (a answer, size int, err error) {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		return answer{}, 0, nil
	}
	h, err := parseHead(b[:end])
	if err != nil {
		return answer{}, 0, err
	}
	rest := b[end+4:]
	a = answer{status: h.status, closes: h.closes}
	used := h.length
	switch {
	case h.chunked:
		a.body, used, err = unchunk(rest)
		if used == 0 || err != nil {
			return answer{}, 0, err
		}
	case len(rest) < h.length:
		return answer{}, 0, nil
	default:
		a.body = rest[:h.length]
	}
	return a, end + 4 + used, nil
}

// A head is what matters of an answer's status line and headers.
type head struct {
	status, length  int
	chunked, closes bool
}

func parseHead(b []byte) (h head, err error) {
	line, rest, _ := bytes.Cut(b, []byte("\r\n"))
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return h, errAnswer
	}
	if h.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return h, errAnswer
	}
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		name, value, _ := bytes.Cut(line, []byte(":"))
		if err := h.header(name, bytes.TrimSpace(value)); err != nil {
			return h, err
		}
	}
	return h, nil
}

func (h *head) header(name, value []byte) error {
	switch {
	case bytes.EqualFold(name, []byte("content-length")):
		n, err := strconv.ParseUint(string(value), 10, 31)
		if err != nil {
			return errAnswer
		}
		h.length = int(n)
	case bytes.EqualFold(name, []byte("transfer-encoding")):
		h.chunked = true
	case bytes.EqualFold(name, []byte("connection")):
		h.closes = bytes.EqualFold(value, []byte("close"))
	}
	return nil
}

// unchunk reads a chunked body; used is 0 if it is not whole yet.
func unchunk(b []byte) (body []byte, used int, err error) {
	for {
		line, rest, ok := bytes.Cut(b[used:], []byte("\r\n"))
		if !ok {
			return nil, 0, nil
		}
		n, err := strconv.ParseUint(string(line), 16, 31)
		if err != nil {
			return nil, 0, errAnswer
		}
		if len(rest) < int(n)+2 {
			return nil, 0, nil
		}
		body = append(body, rest[:n]...)
		used += len(line) + 2 + int(n) + 2
		if n == 0 {
			return body, used, nil
		}
	}
}
