//! Sets of ASCII characters, and the named ones that Go knows.
//!
//! Tags are ASCII, so a class is 128 bits, `\p{Greek}` is the empty set, and no Unicode table is needed. A pattern such as `(?i)[é-ſ]`
//! still reaches into ASCII, because case folding makes `ſ` (U+017F) an `s` and the Kelvin sign (U+212A) a `k`:
//!
//! ```
//! use promotion_core::flux::TagFilter;
//!
//! assert!(TagFilter::parse("(?i)^[é-ſ]$")?.is_match("S"));
//! assert!(!TagFilter::parse(r"\p{Greek}")?.is_match("alpha"));
//! # Ok::<(), promotion_core::flux::FilterError>(())
//! ```

/// A set of ASCII characters, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Class(u128);

const LOWER: u128 = bits(b'a', b'z');
const UPPER: u128 = bits(b'A', b'Z');
const DIGIT: u128 = bits(b'0', b'9');
const LONG_S: u32 = 0x017f;
const KELVIN: u32 = 0x212a;

const fn bits(low: u8, high: u8) -> u128 {
    (u128::MAX >> (127 - high)) & (u128::MAX << low)
}

const fn each(characters: &[u8]) -> u128 {
    let (mut set, mut index) = (0, 0);
    while index < characters.len() {
        set |= 1 << characters[index];
        index += 1;
    }
    set
}

impl Class {
    pub(super) const NONE: Self = Self(0);
    pub(super) const ALL: Self = Self(u128::MAX);
    pub(super) const NEWLINE: Self = Self(1 << b'\n');

    /// The ASCII characters between two code points, and with `fold` those that equal one in between but for case.
    pub(super) fn range(low: u32, high: u32, fold: bool) -> Self {
        let ascii = match (u8::try_from(low), u8::try_from(high.min(127))) {
            (Ok(low), Ok(high)) if low <= high => bits(low, high),
            _ => 0,
        };
        if !fold {
            return Self(ascii);
        }
        let reaches = |outsider| low <= outsider && outsider <= high;
        let s = if reaches(LONG_S) { each(b"s") } else { 0 };
        let k = if reaches(KELVIN) { each(b"k") } else { 0 };
        Self(ascii | s | k).folded()
    }

    pub(super) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn negated(self) -> Self {
        Self(!self.0)
    }

    /// Both cases of every letter in it.
    pub(super) const fn folded(self) -> Self {
        let distance = b'a' - b'A';
        Self(self.0 | (self.0 & LOWER) >> distance | (self.0 & UPPER) << distance)
    }

    pub(super) const fn contains(self, byte: u8) -> bool {
        byte.is_ascii() && self.0 >> byte & 1 == 1
    }
}

/// `\d`, `\s`, `\w`.
pub(super) const fn perl(letter: u8) -> Option<Class> {
    Some(Class(match letter {
        b'd' => DIGIT,
        b's' => each(b"\t\n\x0c\r "),
        b'w' => LOWER | UPPER | DIGIT | each(b"_"),
        _ => return None,
    }))
}

/// `[:alpha:]` and its kin, by the name between the colons.
pub(super) fn posix(name: &str) -> Option<Class> {
    let punct = bits(b'!', b'~') & !(LOWER | UPPER | DIGIT);
    Some(Class(match name {
        "alnum" => LOWER | UPPER | DIGIT,
        "alpha" => LOWER | UPPER,
        "ascii" => u128::MAX,
        "blank" => each(b"\t "),
        "cntrl" => bits(0, 31) | 1 << 127,
        "digit" => DIGIT,
        "graph" => bits(b'!', b'~'),
        "lower" => LOWER,
        "print" => bits(b' ', b'~'),
        "punct" => punct,
        "space" => bits(b'\t', b'\r') | each(b" "),
        "upper" => UPPER,
        "word" => LOWER | UPPER | DIGIT | each(b"_"),
        "xdigit" => DIGIT | bits(b'A', b'F') | bits(b'a', b'f'),
        _ => return None,
    }))
}

/// What a Unicode name means.
pub(super) enum Unicode {
    /// Its ASCII part.
    Known(Class),
    /// A script whose name has several words: some Go releases know it, others do not.
    Unsettled,
    /// No name at all.
    Unknown,
}

/// A Unicode category or script; `name` is in Go's canonical form: one capital in front, no spaces, hyphens or underscores.
pub(super) fn unicode(name: &str) -> Unicode {
    let set = match name {
        "Any" | "Ascii" | "Assigned" => u128::MAX,
        "C" | "Other" | "Cc" | "Cntrl" | "Control" => bits(0, 31) | 1 << 127,
        "L" | "Letter" | "Lc" | "Casedletter" | "Latin" => LOWER | UPPER,
        "Ll" | "Lowercaseletter" => LOWER,
        "Lu" | "Uppercaseletter" => UPPER,
        "N" | "Number" | "Nd" | "Decimalnumber" | "Digit" => DIGIT,
        "P" | "Punct" | "Punctuation" => each(b"!\"#%&'()*,-./:;?@[\\]_{}"),
        "Pc" | "Connectorpunctuation" => each(b"_"),
        "Pd" | "Dashpunctuation" => each(b"-"),
        "Pe" | "Closepunctuation" => each(b")]}"),
        "Po" | "Otherpunctuation" => each(b"!\"#%&'*,./:;?@\\"),
        "Ps" | "Openpunctuation" => each(b"([{"),
        "S" | "Symbol" => each(b"$+<=>^`|~"),
        "Sc" | "Currencysymbol" => each(b"$"),
        "Sk" | "Modifiersymbol" => each(b"^`"),
        "Sm" | "Mathsymbol" => each(b"+<=>|~"),
        "Z" | "Separator" | "Zs" | "Spaceseparator" => each(b" "),
        "Common" => !(LOWER | UPPER),
        _ if OUTSIDE_ASCII.binary_search(&name).is_ok() => 0,
        _ if SEVERAL_WORDS.binary_search(&name).is_ok() => return Unicode::Unsettled,
        _ => return Unicode::Unknown,
    };
    Unicode::Known(Class(set))
}

/// Categories and scripts (Unicode 15) without any ASCII character, sorted.
#[rustfmt::skip]
const OUTSIDE_ASCII: &[&str] = &[
    "Adlam", "Ahom", "Arabic", "Armenian", "Avestan", "Balinese", "Bamum", "Batak", "Bengali", "Bhaiksuki",
    "Bopomofo", "Brahmi", "Braille", "Buginese", "Buhid", "Carian", "Cf", "Chakma", "Cham", "Cherokee", "Chorasmian",
    "Cn", "Co", "Combiningmark", "Coptic", "Cs", "Cuneiform", "Cypriot", "Cyrillic", "Deseret", "Devanagari", "Dogra",
    "Duployan", "Elbasan", "Elymaic", "Enclosingmark", "Ethiopic", "Finalpunctuation", "Format", "Georgian",
    "Glagolitic", "Gothic", "Grantha", "Greek", "Gujarati", "Gurmukhi", "Han", "Hangul", "Hanunoo", "Hatran",
    "Hebrew", "Hiragana", "Inherited", "Initialpunctuation", "Javanese", "Kaithi", "Kannada", "Katakana", "Kawi",
    "Kharoshthi", "Khmer", "Khojki", "Khudawadi", "Lao", "Lepcha", "Letternumber", "Limbu", "Lineseparator", "Lisu",
    "Lm", "Lo", "Lt", "Lycian", "Lydian", "M", "Mahajani", "Makasar", "Malayalam", "Mandaic", "Manichaean", "Marchen",
    "Mark", "Mc", "Me", "Medefaidrin", "Miao", "Mn", "Modi", "Modifierletter", "Mongolian", "Mro", "Multani",
    "Myanmar", "Nabataean", "Nandinagari", "Newa", "Nko", "Nl", "No", "Nonspacingmark", "Nushu", "Ogham", "Oriya",
    "Osage", "Osmanya", "Otherletter", "Othernumber", "Othersymbol", "Palmyrene", "Paragraphseparator", "Pf",
    "Phoenician", "Pi", "Privateuse", "Rejang", "Runic", "Samaritan", "Saurashtra", "Sharada", "Shavian", "Siddham",
    "Sinhala", "So", "Sogdian", "Soyombo", "Spacingmark", "Sundanese", "Surrogate", "Syriac", "Tagalog", "Tagbanwa",
    "Takri", "Tamil", "Tangsa", "Tangut", "Telugu", "Thaana", "Thai", "Tibetan", "Tifinagh", "Tirhuta",
    "Titlecaseletter", "Toto", "Ugaritic", "Unassigned", "Vai", "Vithkuqi", "Wancho", "Yezidi", "Yi", "Zl", "Zp",
];

/// Scripts whose names have several words, sorted.
#[rustfmt::skip]
const SEVERAL_WORDS: &[&str] = &[
    "Anatolianhieroglyphs", "Bassavah", "Canadianaboriginal", "Caucasianalbanian", "Cyprominoan", "Divesakuru",
    "Egyptianhieroglyphs", "Gunjalagondi", "Hanifirohingya", "Imperialaramaic", "Inscriptionalpahlavi",
    "Inscriptionalparthian", "Kayahli", "Khitansmallscript", "Lineara", "Linearb", "Masaramgondi", "Meeteimayek",
    "Mendekikakui", "Meroiticcursive", "Meroitichieroglyphs", "Nagmundari", "Newtailue", "Nyiakengpuachuehmong",
    "Olchiki", "Oldhungarian", "Olditalic", "Oldnortharabian", "Oldpermic", "Oldpersian", "Oldsogdian",
    "Oldsoutharabian", "Oldturkic", "Olduyghur", "Pahawhhmong", "Paucinhau", "Phagspa", "Psalterpahlavi",
    "Signwriting", "Sorasompeng", "Sylotinagri", "Taile", "Taitham", "Taiviet", "Warangciti", "Zanabazarsquare",
];
