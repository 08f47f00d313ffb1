package handlers

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/crier/crier/server/socketio"
)

// nameIn reads the name of a speaker: characters between which there may be spaces, none of them a control character.
// It is normalised, see clean, and must not imitate another: see looks.go.
func nameIn(arg socketio.Arg, most int) (string, error) {
	var name string
	if _, binary := arg.Binary(); binary || arg.Bind(&name) != nil {
		return "", badName("it must be a text")
	}
	if utf8.RuneCountInString(name) > 4*most+64 { // far beyond what can become short enough
		return "", badName(fmt.Sprintf("it is too long; %d characters are allowed", most))
	}
	name = clean(name)
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return "", errEmptyName
	case n > most:
		return "", badName(fmt.Sprintf("it has %d characters, and %d are allowed", n, most))
	case strings.ContainsFunc(name, isControl):
		return "", badName("it has a control character")
	case imitates(name):
		return "", badName("it has a word of letters of several scripts that looks like a word of one; write it in one")
	}
	return name, nil
}

var errEmptyName = badName("it is empty")

func badName(why string) error {
	return refusal("bad_name", "this name can't be used: "+why)
}

// Characters that join others or keep them apart.
const (
	nonJoiner = '\u200c'
	joiner    = '\u200d'
)

// clean normalises a name: NFKC (Unicode Standard Annex 15), so that what is written in several ways is written in
// one, and without what nobody sees, and what would turn the text around it. A name that was pasted may hold such
// characters without its owner's knowing, so they are left out and not refused. A name with nothing left is empty.
func clean(name string) string {
	if isSimple(name) {
		return name
	}
	name = norm.NFKC.String(name)
	runes := []rune(name)
	kept := make([]rune, 0, len(runes))
	for i, r := range runes {
		if r != nonJoiner && r != joiner && (!isIgnorable(r) || belongs(r, kept)) ||
			(r == nonJoiner || r == joiner) && joins(kept, runes[i+1:]) {
			kept = append(kept, r)
		}
	}
	name = strings.TrimFunc(string(kept), unicode.IsSpace)
	if !strings.ContainsFunc(name, isVisible) {
		return ""
	}
	return norm.NFKC.String(name) // what was left out may have kept two apart that belong together
}

// isSimple says whether a name is of ASCII's visible characters and single spaces between them, which are as they
// should be.
func isSimple(name string) bool {
	space := true
	for i := range len(name) {
		c := name[i]
		if c < ' ' || c > '~' || c == ' ' && space {
			return false
		}
		space = c == ' '
	}
	return !space
}

// isIgnorable says whether r shows nothing by itself: Unicode's Default_Ignorable_Code_Point, and the rest of the
// format characters.
func isIgnorable(r rune) bool {
	switch r {
	case 0x115F, 0x1160, 0x3164, 0xFFA0: // fillers of Hangul
		return true
	}
	return unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

const blackFlag = 0x1F3F4 // what the flags of England, Scotland and Wales begin with

// belongs says whether a character that shows nothing changes the emoji that stands before it: the choice of how it is
// drawn, or the name of a flag.
func belongs(r rune, before []rune) bool {
	if len(before) == 0 {
		return false
	}
	last := before[len(before)-1]
	switch {
	case r == 0xFE0F:
		return isEmoji(last) || last < utf8.RuneSelf && (unicode.IsDigit(last) || last == '#' || last == '*')
	case isTag(r):
		return isTag(last) && last != lastTag || last == blackFlag
	}
	return false
}

const lastTag = 0xE007F

func isTag(r rune) bool { return r >= 0xE0020 && r <= lastTag }

// joins says whether a joiner between characters has anything to join, or to keep apart: two emoji; letters of a
// script whose letters join (RFC 5892, appendix A); what follows a virama in scripts of India.
func joins(before, after []rune) bool {
	if len(before) == 0 || len(after) == 0 {
		return false
	}
	last, next := before[len(before)-1], after[0]
	switch {
	case isVirama(last):
		return unicode.IsLetter(next)
	case isEmoji(last) || last == 0xFE0F:
		return isEmoji(next)
	}
	return isJoining(last) && isJoining(next)
}

func isEmoji(r rune) bool { return unicode.In(r, unicode.So, unicode.Sk) && r >= 0x00A9 }

func isJoining(r rune) bool {
	return (unicode.IsLetter(r) || unicode.IsMark(r)) &&
		unicode.In(r, unicode.Arabic, unicode.Syriac, unicode.Mongolian, unicode.Nko, unicode.Mandaic, unicode.Adlam)
}

// isVirama says whether r takes the vowel from a letter: its canonical combining class is 9.
func isVirama(r rune) bool { return norm.NFC.PropertiesString(string(r)).CCC() == 9 }

// isVisible says whether r alone shows something.
func isVisible(r rune) bool {
	return r != 0x2800 && unicode.IsGraphic(r) && !unicode.IsSpace(r) && !isIgnorable(r)
}

// isControl says whether r is a control character, or one that begins a line.
func isControl(r rune) bool { return unicode.IsControl(r) || r == 0x2028 || r == 0x2029 }
