package wire

// whyInvalid tells JSON that is nested too deep from what is no JSON.
func whyInvalid(b []byte, limits *Limits) error {
	if isDeep(b, limits.MaxDepth) {
		return ErrDepth
	}
	return errPayload
}

// isDeep says whether JSON that was found invalid is nested deeper than most.
func isDeep(b []byte, most int) bool {
	depth, quoted := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			if depth++; depth > most {
				return true
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	return false
}
