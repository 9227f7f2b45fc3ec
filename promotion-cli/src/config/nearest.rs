//! What a mistyped word was meant to be.

/// The known word that is nearest to this one, if any is near enough to be a slip.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A third of the word may be wrong, and at least one letter.
    let most = (word.chars().count() / 3).max(1);
    let distance = |candidate: &'a str| (strsim::damerau_levenshtein(word, candidate), candidate);
    known.into_iter().map(distance).filter(|(distance, _)| *distance <= most).min().map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_recognised_and_a_different_word_is_not() {
        let known = ["repository", "stages", "tags"];
        assert_eq!(nearest("stagse", known), Some("stages"));
        assert_eq!(nearest("repostory", known), Some("repository"));
        assert_eq!(nearest("colour", known), None);
    }
}
