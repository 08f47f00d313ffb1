package handlers

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/crier/crier/server/socketio"
)

// object reads an argument that is an object; given is false if it is left out.
func object(arg socketio.Arg, v any) (given bool, err error) {
	raw := arg.JSON()
	if string(raw) == "null" {
		return false, nil
	}
	if _, binary := arg.Binary(); binary || raw[0] != '{' {
		return false, fmt.Errorf("they must be an object")
	}
	if err := arg.Portable(); err != nil {
		return false, fmt.Errorf("in them, %w", err)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return false, fmt.Errorf("they can't be read")
	}
	return true, nil
}

// whole reads a number from 0 on that has no fraction; given is false for null and what is left out.
func whole(name string, raw json.RawMessage) (n uint64, given bool, err error) {
	if len(raw) == 0 || string(raw) == "null" {
		return 0, false, nil
	}
	digits, negative, ok := wholeDigits(string(raw))
	if ok = ok && (!negative || digits == "0"); ok {
		n, err = strconv.ParseUint(digits, 10, 64)
	}
	if !ok || err != nil {
		return 0, false, fmt.Errorf("%s must be a whole number", name)
	}
	return n, true, nil
}

// atMost is whole for a number that has a limit.
func atMost(name string, raw json.RawMessage, most uint64) (n uint64, given bool, err error) {
	n, given, err = whole(name, raw)
	if err == nil && n > most {
		err = fmt.Errorf("%s is %d, and %d is the most", name, n, most)
	}
	return n, given, err
}

// mostDigits is how many digits a 64-bit number has at most.
const mostDigits = 20

// wholeDigits returns the digits of a JSON number whose value is whole, however it is written: 5, 5.0, 50e-1. Not ok:
// it is no number, not whole, or has too many digits.
func wholeDigits(text string) (digits string, negative, ok bool) {
	text, negative = strings.CutPrefix(text, "-")
	mantissa, power, exponent := text, "", 0
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		mantissa, power = text[:i], text[i+1:]
		var err error
		if exponent, err = strconv.Atoi(power); err != nil {
			return "", false, false
		}
	}
	before, after, _ := strings.Cut(mantissa, ".")
	digits = before + after
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return "", false, false
	}
	exponent -= len(after)
	digits = strings.TrimLeft(digits, "0")
	if digits == "" {
		return "0", negative, true
	}
	for exponent < 0 && strings.HasSuffix(digits, "0") {
		digits, exponent = digits[:len(digits)-1], exponent+1
	}
	if exponent < 0 || exponent > mostDigits || len(digits)+exponent > mostDigits {
		return "", false, false
	}
	return digits + strings.Repeat("0", exponent), negative, true
}

// maxKey is the longest id of a message, in characters; a UUID has 36.
const maxKey = 64

// keyIn returns the id that a speaker gave a message, as a key of the feed; "" for none. A number and a text of the
// same digits are two ids.
func keyIn(options socketio.Arg) (string, error) {
	if string(options.JSON()) == "null" {
		return "", nil // which is most, and given would be an allocation
	}
	var given struct{ ID json.RawMessage }
	if _, err := object(options, &given); err != nil {
		return "", badMessage("its options are wrong: " + err.Error())
	}
	id := given.ID
	if len(id) == 0 || string(id) == "null" {
		return "", nil
	}
	if digits, negative, ok := wholeDigits(string(id)); ok {
		if negative && digits != "0" {
			digits = "-" + digits
		}
		if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
			return strconv.FormatInt(n, 10), nil
		}
	}
	var text string
	if id[0] != '"' || json.Unmarshal(id, &text) != nil || text == "" || utf8.RuneCountInString(text) > maxKey {
		return "", badMessage(fmt.Sprintf("its id must be a text of 1 to %d characters or a whole number", maxKey))
	}
	return `"` + text, nil
}
