//! The board as one file for a browser: what the page of the browser build shows, fed with what was read.

use promotion_core::Digest;
use promotion_core::board::Board;
use promotion_core::forecast::Forecast;
use promotion_core::time::Timestamp;
use serde::Serialize;

const VIEW: &str = include_str!("page/view.js");
const STYLE: &str = include_str!("page/style.css");
const START: &str = include_str!("page/start.js");

/// How many versions the line shows.
pub(crate) const LINE: usize = 40;

/// What the page shows.
#[derive(Serialize)]
pub(crate) struct Page<'a> {
    pub(crate) repository: String,
    pub(crate) read_at: Timestamp,
    pub(crate) board: &'a Board,
    /// What the clusters pick of all tags, strangers included.
    pub(crate) forecast: Forecast<'a>,
}

impl Page<'_> {
    /// The file. Its policy names the one script and the one style by their hashes, so nothing that anybody wrote into a
    /// repository can run.
    pub(crate) fn html(&self) -> Result<String, serde_json::Error> {
        // In JSON a `<` stands only inside strings, where it may be written so; no tag of HTML can begin then.
        let data = serde_json::to_string(self)?.replace('<', "\\u003c");
        let script = format!("{VIEW}{START}");
        let (script_hash, style_hash) = (source_hash(&script), source_hash(STYLE));
        Ok(format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src {script_hash}; \
             style-src {style_hash}; base-uri 'none'; form-action 'none'\">\n\
             <title>promotion status</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main id=\"main\"></main>\n\
             <noscript>The board is drawn by the script in this file.</noscript>\n\
             <script type=\"application/json\" id=\"data\">{data}</script>\n\
             <script type=\"module\">{script}</script>\n</body>\n</html>\n"
        ))
    }
}

/// A text as content security policies name it: `'sha256-…'`.
fn source_hash(text: &str) -> String {
    let digest = Digest::of(text.as_bytes()).to_string();
    let (algorithm, hex) = digest.split_once(':').unwrap_or_default();
    let bytes = hex.as_bytes().chunks(2).map(|pair| pair.iter().fold(0, |value, digit| value * 16 + nibble(*digit)));
    format!("'{algorithm}-{}'", base64(&bytes.collect::<Vec<u8>>()))
}

const fn nibble(digit: u8) -> u8 {
    if digit.is_ascii_digit() { digit - b'0' } else { digit - b'a' + 10 }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group =
            (0..3).fold(0_usize, |group, index| group << 8 | usize::from(chunk.get(index).copied().unwrap_or(0)));
        for place in 0..4 {
            let digit = char::from(DIGITS[group >> (18 - 6 * place) & 63]);
            text.push(if place > chunk.len() { '=' } else { digit });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{base64, source_hash};

    #[test]
    fn base64_is_that_of_rfc_4648() {
        let cases =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")];
        for (text, expected) in cases {
            assert_eq!(base64(text.as_bytes()), expected);
        }
        assert_eq!(source_hash("alert('Hello, world.');"), "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='");
    }
}
