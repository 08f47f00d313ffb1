package handlers

import (
	"strings"
	"unicode"
)

// Characters that join others: to an emoji of several, and to words of Persian and of scripts of India. At the ends of a
// name there is nothing to join.
const joiners = "\u200c\u200d"

// clean takes from a name what nobody sees, and what would turn the text around it: a name that was pasted may hold such
// characters without its owner's knowing, so they are left out and not refused. A name with nothing left is empty.
func clean(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) && !strings.ContainsRune(joiners, r) && !isTag(r) {
			return -1 // marks of direction, zero-width spaces, soft hyphens
		}
		return r
	}, name)
	name = strings.TrimFunc(name, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(joiners, r) })
	if !strings.ContainsFunc(name, isVisible) {
		return ""
	}
	return name
}

// isTag says whether r is one of the characters that make a flag with what stands before them: England's, Scotland's, Wales'.
func isTag(r rune) bool { return r >= 0xE0020 && r <= 0xE007F }

// isVisible says whether r alone shows something.
func isVisible(r rune) bool {
	switch r {
	case 0x115F, 0x1160, 0x2800, 0x3164, 0xFFA0: // letters and symbols that are blank
		return false
	}
	return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.Is(unicode.Variation_Selector, r) &&
		!unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}

// isControl says whether r is a control character, or one that begins a line.
func isControl(r rune) bool { return unicode.IsControl(r) || r == 0x2028 || r == 0x2029 }
