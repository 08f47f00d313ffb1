package websocket

import (
	"slices"
	"strings"
)

// deflateAnswer accepts permessage-deflate without context takeover on either side, which a server may demand whether
// or not the client offered it (RFC 7692 sections 7.1.1.1 and 7.1.1.2).
const deflateAnswer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

// acceptDeflate returns the answer to the first offer of permessage-deflate that can be met, or "" if there is none. An
// offer that cannot be met, or is not well-formed, is declined (RFC 7692 section 7): the connection is not compressed.
//
// wsflate.Extension was not fit for it: it answers such an offer with an error, which refuses the whole connection, and
// declines server_max_window_bits=15, which is what Go's compressor has.
func acceptDeflate(offers []string) string {
	for _, v := range offers {
		for offer := range strings.SplitSeq(v, ",") {
			name, params, _ := strings.Cut(offer, ";")
			if trim(name) != "permessage-deflate" {
				continue
			}
			if answer, ok := acceptOffer(params); ok {
				return answer
			}
		}
	}
	return ""
}

// deflateParams are the parameters that an offer may have, each with what makes it one that can be met. isSet says that
// it came with a value.
var deflateParams = map[string]func(value string, isSet bool) bool{
	"server_no_context_takeover": func(_ string, isSet bool) bool { return !isSet },
	"client_no_context_takeover": func(_ string, isSet bool) bool { return !isSet },
	// The client's own window: any is good, for the inflater has the largest.
	"client_max_window_bits": func(value string, isSet bool) bool { return !isSet || slices.Contains(windowBits, value) },
	// The server's: compress/flate knows only the largest.
	"server_max_window_bits": func(value string, _ bool) bool { return value == "15" },
}

var windowBits = []string{"8", "9", "10", "11", "12", "13", "14", "15"}

// acceptOffer answers one offer by its parameters. Each may come once (RFC 7692 section 7.1).
func acceptOffer(params string) (answer string, ok bool) {
	answer = deflateAnswer
	var seen []string // never more than there are deflateParams
	for params != "" {
		var param string
		param, params, _ = strings.Cut(params, ";")
		name, value, isSet := strings.Cut(param, "=")
		name = trim(name)
		accepts, known := deflateParams[name]
		if !known || slices.Contains(seen, name) || !accepts(unquote(trim(value)), isSet) {
			return "", false
		}
		seen = append(seen, name)
		if name == "server_max_window_bits" {
			answer += "; server_max_window_bits=15" // accepted by being repeated
		}
	}
	return answer, true
}

// unquote takes the quotes off a quoted string, which must be a token inside and so needs no escapes (RFC 6455
// section 9.1).
func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

// trim removes what HTTP allows around the items of a list.
func trim(s string) string { return strings.Trim(s, " \t") }

// isToken says whether s is a token (RFC 9110 section 5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		alphanumeric := '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
		if !alphanumeric && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}
