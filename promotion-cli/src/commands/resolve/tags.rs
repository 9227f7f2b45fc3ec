//! Tags from a file, in whatever form tools print them, in memory that grows with the tags alone.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use promotion_core::listing::{Document, is_document, tag_of_line};

use crate::error::Failure;

/// Reads them, in the order of the file.
pub(super) fn read(path: &Path) -> Result<Vec<String>, Failure> {
    let place = crate::target::place(path);
    let read = if path.as_os_str() == "-" {
        tags(&mut io::stdin().lock())
    } else {
        File::open(path).and_then(|file| tags(&mut BufReader::new(file)))
    };
    read.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => Failure::usage("read the tags", error.to_string())
            .at(place)
            .fix("give one tag a line, a JSON list, or {\"tags\": […]}"),
        _ => Failure::io("read the tags", place, &error),
    })
}

fn tags(file: &mut impl BufRead) -> io::Result<Vec<String>> {
    let first = loop {
        let buffer = file.fill_buf()?;
        let blank = buffer.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        match buffer.get(blank) {
            Some(first) => break *first,
            None if blank == 0 => return Ok(Vec::new()),
            None => file.consume(blank),
        }
    };
    if is_document(first) {
        let document: Result<Document, _> = serde_json::from_reader(file);
        return match document {
            Ok(Document(tags)) => Ok(tags),
            Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error.to_string())),
        };
    }
    let (mut tags, mut line) = (Vec::new(), String::new());
    while file.read_line(&mut line)? > 0 {
        tags.extend(tag_of_line(&line, tags.is_empty()).map(ToOwned::to_owned));
        line.clear();
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::tags;

    fn read(text: &str) -> Vec<String> {
        tags(&mut text.as_bytes()).unwrap()
    }

    #[test]
    fn every_form_in_which_tools_print_tags() {
        let expected = ["1.0.0", "latest"];
        assert_eq!(read("1.0.0\nlatest\n"), expected);
        assert_eq!(read("\n  [\"1.0.0\", \"latest\"]"), expected);
        assert_eq!(read(r#"{"name": "acme/platform", "tags": ["1.0.0", "latest"]}"#), expected);
        assert_eq!(read("ghcr.io/acme/platform:1.0.0\nlocalhost:5000/acme/platform:latest\r\n"), expected);
        let flux = "ARTIFACT\tDIGEST\tSOURCE\tREVISION\n\
                    ghcr.io/acme/platform:1.0.0\tsha256:00\thttps://x\tmain@sha1:00\n\
                    ghcr.io/acme/platform:latest\tsha256:00\thttps://x\tmain@sha1:00\n";
        assert_eq!(read(flux), expected);
        assert_eq!(read(r#"{"Repository": "ghcr.io/acme/platform", "Tags": ["1.0.0", "latest"]}"#), expected);
        assert!(read(r#"{"name": "acme/platform", "tags": null}"#).is_empty());
        assert!(read(" \n\n").is_empty());
        assert!(tags(&mut &b"[1]"[..]).is_err());
    }
}
