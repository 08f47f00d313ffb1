package handlers

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// skeletonOf returns what a name looks like: names of one skeleton can't be told apart at a glance. It is the idea of
// Unicode Technical Standard 39, section 4, with the letters that are drawn alike in the scripts that names are mixed
// of most: Latin, Cyrillic, Greek, Armenian and Cherokee. It is compared and never shown.
func skeletonOf(name string) string {
	var b strings.Builder
	b.Grow(len(name))
	space := false
	for _, r := range norm.NFD.String(name) {
		switch {
		case unicode.IsSpace(r):
			space = true
			continue
		case isIgnorable(r) || r == nonJoiner || r == joiner:
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		if like, ok := alike[r]; ok {
			r = like
		}
		b.WriteRune(r)
	}
	return b.String()
}

// alike are characters and the one that they look like.
var alike = looks(
	"lI1|ΙІӀӏןߊƖǀ∣ᛁⵏ", "O0ОΟՕⵔ߀Ⴝ", "oοоօᴏჿ", "aаαɑ", "AАΑᎪ", "BВΒᏴ", "CСϹᏟ", "cсϲᴄ", "dԁ", "DᎠ", "EЕΕᎬ", "eеҽ", "FϜ", "gɡց",
	"GԌᏀ", "HНΗᎻ", "hһհᏂ", "iіιıɩᎥ", "JЈᎫ", "jјϳ", "KКΚᏦ", "kκк", "LᏞ", "MМΜᎷϺ", "NΝ", "nո", "PРΡᏢ", "pрρ", "qԛզ", "RᎡ", "rгᴦ",
	"SЅՏᏚ", "sѕ", "TТΤᎢ", "tτт", "UՍ", "uսυ", "VѴᏙ", "vνѵᴠ", "WԜᎳ", "wԝɯա", "XХΧ", "xхχ", "YУΥҮ", "yуγү", "ZΖᏃ", "zᴢ", "bЬьƅ",
	"3ЗзӠƷʒ", "-‐‑–—−﹘", "'’‘ʼʹ′ˈ`´", "\"”“″", ".․", ":׃։꞉ː", "/⁄∕", "ßβ",
)

// looks maps each character of a group to its first.
func looks(groups ...string) map[rune]rune {
	all := make(map[rune]rune)
	for _, group := range groups {
		first := []rune(group)[0]
		for _, r := range group {
			if r != first {
				all[r] = first
			}
		}
	}
	return all
}
