package handlers

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Names that look alike and are not the same make one speaker pass for another. Two rules of Unicode Technical
// Standard 39 keep them out. A word of letters of several scripts that look like those of one, such as a Latin "Ann"
// with a Cyrillic first letter, is no name: nobody writes so who does not want to look like somebody else (section 5.1,
// mixed-script confusables). And of names that are each of one script, a [roll] admits no second that looks like the
// first (whole-script confusables); but one that every keyboard can write is plain, and never refused for its looks.
// Else whoever came first with a look-alike would lock out the name that is meant.

// scripts are a set of scripts whose letters are drawn alike.
type scripts uint8

const (
	latin scripts = 1 << iota
	cyrillic
	greek
	armenian
	cherokee
	others // all that are none of these
)

// scriptOf returns the script of a letter.
func scriptOf(r rune) scripts {
	switch {
	case unicode.Is(unicode.Latin, r):
		return latin
	case unicode.Is(unicode.Cyrillic, r):
		return cyrillic
	case unicode.Is(unicode.Greek, r):
		return greek
	case unicode.Is(unicode.Armenian, r):
		return armenian
	case unicode.Is(unicode.Cherokee, r):
		return cherokee
	}
	return others
}

// inUse returns the script of a character that is written today; none of one that is rare or archaic, which nobody is
// suspected of imitating.
func inUse(r rune) scripts {
	switch {
	case r < 0x80:
		return latin
	case r >= 0x0386 && r <= 0x03CE:
		return greek
	case r >= 0x0400 && r <= 0x045F:
		return cyrillic
	case r >= 0x0531 && r <= 0x0586:
		return armenian
	case r >= 0x13A0 && r <= 0x13F4:
		return cherokee
	}
	return 0
}

// A glyph is what a character looks like.
type glyph struct {
	like rune    // the first of those that are drawn as it is
	in   scripts // those in use that have one of them
}

// alike are the characters that are drawn like others, in the scripts of which names are mixed most.
var alike = glyphs(
	"lI1|ΙІӀӏןߊƖǀ∣ᛁⵏ", "O0ОΟՕⵔ߀Ⴝ", "oοоօᴏჿ", "aаαɑ", "AАΑᎪ", "BВΒᏴ", "CСϹᏟ", "cсϲᴄ", "dԁ", "DᎠ", "EЕΕᎬ", "eеҽ", "FϜ",
	"gɡց",
	"GԌᏀ", "HНΗᎻ", "hһհᏂ", "iіιıɩᎥ", "JЈᎫ", "jјϳ", "KКΚᏦ", "kκк", "LᏞ", "MМΜᎷϺ", "NΝ", "nո", "PРΡᏢ", "pрρ", "qԛզ", "RᎡ",
	"rгᴦ",
	"SЅՏᏚ", "sѕ", "TТΤᎢ", "tτт", "UՍ", "uսυ", "VѴᏙ", "vνѵᴠ", "WԜᎳ", "wԝɯա", "XХΧ", "xхχ", "YУΥҮ", "yуγү", "ZΖᏃ", "zᴢ",
	"bЬьƅ",
	"3ЗзӠƷʒ", "-‐‑–—−﹘", "'’‘ʼʹ′ˈ`´", "\"”“″", ".․", ":׃։꞉ː", "/⁄∕", "ßβ",
)

// glyphs returns the glyph of each character of the groups.
func glyphs(groups ...string) map[rune]glyph {
	all := make(map[rune]glyph)
	for _, group := range groups {
		g := glyph{like: []rune(group)[0]}
		for _, r := range group {
			g.in |= inUse(r)
		}
		for _, r := range group {
			all[r] = g
		}
	}
	return all
}

// skeletonOf returns what a name looks like: names of one skeleton can't be told apart at a glance (Unicode Technical
// Standard 39, section 4). It is compared and never shown. Plain says that the characters of the name are all in ASCII,
// or look like no others.
func skeletonOf(name string) (skeleton string, plain bool) {
	var b strings.Builder
	b.Grow(len(name))
	spaces := 0
	plain = true
	for _, r := range norm.NFD.String(name) {
		switch {
		case unicode.IsSpace(r):
			spaces++
			continue
		case isIgnorable(r) || r == nonJoiner || r == joiner:
			plain = false
			continue
		}
		if spaces > 0 {
			b.WriteByte(' ')
			plain = plain && spaces == 1
			spaces = 0
		}
		if g, ok := alike[r]; ok {
			plain = plain && (r < 0x80 || r == g.like)
			r = g.like
		}
		b.WriteRune(r)
	}
	return b.String(), plain
}

// imitates says whether a word of the name has letters of several scripts and could have been written in one.
func imitates(name string) bool {
	if isASCII(name) {
		return false
	}
	const all = ^scripts(0)
	has, could := scripts(0), all // of a word: the scripts of its letters, and those in which all of it can be written
	for _, r := range norm.NFD.String(name) {
		switch {
		case unicode.IsLetter(r):
			script := scriptOf(r)
			has |= script
			could &= script | alike[r].in
		case unicode.IsMark(r) || unicode.IsDigit(r):
		default:
			if isMixed(has) && could != 0 {
				return true
			}
			has, could = 0, all
		}
	}
	return isMixed(has) && could != 0
}

func isMixed(s scripts) bool { return s&(s-1) != 0 }

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}
