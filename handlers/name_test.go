package handlers

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/crier/crier/server/socketio"
)

func quotedArg(t *testing.T, name string) socketio.Arg {
	t.Helper()
	raw, err := json.Marshal(name)
	if err != nil {
		t.Fatal(err)
	}
	arg, err := socketio.NewArg(raw)
	if err != nil {
		t.Fatal(err)
	}
	return arg
}

func TestWhatIsSeenOfANameStays(t *testing.T) {
	for _, name := range []string{
		"Ann", "Ann-Marie O'Neil", "说", "👩‍👩‍👧", "👩🏽‍🚀", "❤️", "🏴\U000E0067\U000E0062\U000E0073\U000E0063\U000E0074\U000E007F",
		"می\u200cخواهم", "क्\u200dष", "é", "1\ufe0f\u20e3", "Ann  Lee", "שלום", "1", "☃",
	} {
		if got, err := nameIn(quotedArg(t, name), 64); err != nil || got != name {
			t.Errorf("%q is taken as %q, %v", name, got, err)
		}
	}
}

func TestWhatIsNotSeenOfANameIsLeftOut(t *testing.T) {
	for name, want := range map[string]string{
		"\u202eevil\u202c":              "evil", // would turn what stands behind it
		"\u2066Ann\u2069":               "Ann",
		"\u200fشالوم\u200e":             "شالوم",
		"A\u200bn\u00adn\ufeff":         "Ann",
		"\u200dAnn\u200c ":              "Ann",
		" \u200b Ann \u2060 ":           "Ann",
		"A\u200dn\u200cn":               "Ann", // there is nothing to join
		"A\u034fn\u115fn\u3164":         "Ann",
		"Ann\ufe0f\U000E0041\U000E0100": "Ann",
		"❤\u200dA":                      "❤A",
	} {
		if got, err := nameIn(quotedArg(t, name), 64); err != nil || got != want {
			t.Errorf("%q is taken as %q, %v; want %q", name, got, err, want)
		}
	}
}

func TestANameThatIsWrittenInSeveralWaysIsOne(t *testing.T) {
	for name, want := range map[string]string{
		"Ａｎｎ": "Ann", "e\u0301": "é", "ﬁn": "fin", "Ann\u00a0Lee": "Ann Lee", "가": "가", "①": "1", "e\u200b\u0301": "é",
	} {
		if got, err := nameIn(quotedArg(t, name), 64); err != nil || got != want {
			t.Errorf("%q is taken as %q, %v; want %q", name, got, err, want)
		}
	}
}

func TestANameThatNobodySeesIsNoName(t *testing.T) {
	for _, name := range []string{
		"", "\u200b", "\u200d\u200c", "\u202e \u202c", "\u3164", "\u115f\u1160", "\u2800\u2800", "\uffa0", "\ufe0f", "\u034f",
		"\u00a0", "\U000E0041", "\u180b",
	} {
		if got, err := nameIn(quotedArg(t, name), 64); err == nil {
			t.Errorf("%q is taken as %q", name, got)
		}
	}
	for _, name := range []string{"a\u2028b", "a\nb", "a\x00b"} {
		if got, err := nameIn(quotedArg(t, name), 64); err == nil {
			t.Errorf("%q is taken as %q", name, got)
		}
	}
}

func TestALongTextIsNotNormalisedAsAName(t *testing.T) {
	if got, err := nameIn(quotedArg(t, strings.Repeat("ﷺ", 100_000)), 64); err == nil {
		t.Errorf("it is taken as %d bytes", len(got))
	}
	if got, err := nameIn(quotedArg(t, strings.Repeat("ﷺ", 4)), 64); err == nil { // 18 characters each
		t.Errorf("it is taken as %q", got)
	}
}

func TestNamesThatLookAlikeHaveOneSkeleton(t *testing.T) {
	skeleton := func(name string) string {
		s, _ := skeletonOf(clean(name))
		return s
	}
	for _, pair := range [][2]string{
		{"Ann", "Аnn"}, {"Ann", "Αnn"}, {"paypal", "раураӏ"}, {"Ilse", "llse"}, {"Bob", "Воb"}, {"Ann Lee", "Ann  Lee"},
		{"x-y", "x‐y"}, {"O'Neil", "O’Neil"}, {"❤", "❤\ufe0f"}, {"Hans", "Ηаnѕ"}, {"Tom", "Тоm"}, {"Zoë", "Ζoë"},
		{"Joe", "Јое"},
	} {
		if a, b := skeleton(pair[0]), skeleton(pair[1]); a != b {
			t.Errorf("%q and %q have the skeletons %q and %q", pair[0], pair[1], a, b)
		}
	}
	seen := map[string]string{}
	for _, name := range []string{
		"Ann", "Anna", "ann", "Bob", "B0b", "Иван", "Ольга", "小明", "שלום", "می\u200cخواهم", "Zoë", "Zoe", "speaker 1",
		"speaker 2",
	} {
		if other, ok := seen[skeleton(name)]; ok {
			t.Errorf("%q and %q have one skeleton", name, other)
		}
		seen[skeleton(name)] = name
	}
}

func TestANameThatEveryKeyboardCanWriteIsPlain(t *testing.T) {
	for name, want := range map[string]bool{
		"Ann": true, "llse": true, "O'Neil": true, "Zoë": true, "小明": true, "❤": true, "Ann Lee": true, "Straße": true,
		"Јое": false, "O’Neil": false, "x‐y": false, "❤\ufe0f": false, "Ann  Lee": false, "Иван": false,
	} {
		if _, plain := skeletonOf(clean(name)); plain != want {
			t.Errorf("%q is plain: %v", name, plain)
		}
	}
}

// No keyboard writes them by itself.
func TestAWordOfSeveralScriptsThatLooksLikeOneOfOneIsNoName(t *testing.T) {
	for _, name := range []string{
		"Аnn", "Αnn", "Ann Аnnson", "Воb", "pаypal", "Тоm", "Ηаnѕ", "Ζoë", "Cаша", "ОOО", "В2B", "Fooо", "ΑΝNA", "Bⵔb",
		"Iван", "ᎪΝΝ",
	} {
		if got, err := nameIn(quotedArg(t, name), 64); err == nil {
			t.Errorf("%q is taken as %q", name, got)
		} else if !strings.Contains(err.Error(), "several scripts") {
			t.Errorf("of %q it is told: %v", name, err)
		}
	}
}

func TestNamesOfSeveralScriptsThatLookLikeNoOtherAreNames(t *testing.T) {
	for _, name := range []string{
		"Иван Smith", "xX_Вася_Xx", "Vася", "Nадя", "Zлата", "ΔΣΦ House", "βeta", "µTorrent", "Ωmega", "TΞSLΛ", "МТС-Music",
		"Ann小明", "Кирилл99",
		"Tシャツ", "שלום Ann", "раураӏ", "Сара", "ΑΝΝΑ", "K🙂te", "Jürgen", "Işıl", "Ståle", "Ærø", "Đorđe", "Łukasz",
	} {
		if _, err := nameIn(quotedArg(t, name), 64); err != nil {
			t.Errorf("%q is refused: %v", name, err)
		}
	}
}

func TestTheLongestNameIsASetting(t *testing.T) {
	if got, err := nameIn(quotedArg(t, strings.Repeat("说", 3)), 3); err != nil {
		t.Errorf("%q, %v", got, err)
	}
	_, err := nameIn(quotedArg(t, strings.Repeat("说", 4)), 3)
	if err == nil || !strings.Contains(err.Error(), "it has 4 characters, and 3 are allowed") {
		t.Errorf("got %v", err)
	}
}
