package handlers

import (
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/crier/crier/server/socketio"
)

// What a client may ask for.
const (
	mostHistory  = 1000 // of the last news, with f: a page or a terminal full, many times over
	usualEntries = 50   // on a page of history
	mostEntries  = 100
	maxKey       = 64 // characters of a message's id; a UUID has 36
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
	if err := json.Unmarshal(raw, v); err != nil {
		return false, fmt.Errorf("they can't be read")
	}
	return true, nil
}

// whole reads a number without sign and fraction; given is false for null and what is left out.
func whole(name string, raw json.RawMessage) (n uint64, given bool, err error) {
	if len(raw) == 0 || string(raw) == "null" {
		return 0, false, nil
	}
	n, err = strconv.ParseUint(string(raw), 10, 64)
	if err != nil {
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

// A wish is what the options of "f" ask for.
type wish struct {
	since   *uint64 // nil: not asked for
	history uint64
}

func wishIn(options socketio.Arg) (wish, error) {
	var given struct{ Since, History json.RawMessage }
	if _, err := object(options, &given); err != nil {
		return wish{}, badOptions(err)
	}
	since, hasSince, err := whole("since", given.Since)
	if err != nil {
		return wish{}, badOptions(err)
	}
	history, hasHistory, err := atMost("history", given.History, mostHistory)
	switch {
	case err != nil:
		return wish{}, badOptions(err)
	case hasSince && hasHistory:
		return wish{}, badOptions(fmt.Errorf("since and history can't both be given"))
	case hasSince:
		return wish{since: &since}, nil
	}
	return wish{history: history}, nil
}

// keyIn returns the id that a speaker gave a message, as a key of the feed; "" for none. A number and a text of the same
// digits are two ids.
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
	if n, err := strconv.ParseInt(string(id), 10, 64); err == nil {
		return strconv.FormatInt(n, 10), nil
	}
	var text string
	if id[0] != '"' || json.Unmarshal(id, &text) != nil || text == "" || utf8.RuneCountInString(text) > maxKey {
		return "", badMessage(fmt.Sprintf("its id must be a text of 1 to %d characters or a whole number", maxKey))
	}
	return `"` + text, nil
}

func badOptions(err error) error {
	return &socketio.Error{Code: "bad_options", Message: "the options are wrong: " + err.Error()}
}

func badMessage(why string) error { return &socketio.Error{Code: "bad_message", Message: why} }
