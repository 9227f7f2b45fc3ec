//! A constraint as a value: what it was written as, what it is made of, and how it compares.

use std::collections::BTreeSet;

use promotion_core::flux::{Constraint, Operator, Selector, select};

fn constraint(text: &str) -> Constraint {
    text.parse().unwrap()
}

#[test]
fn a_constraint_keeps_its_text_and_shows_its_parts() {
    let range = constraint(">=1.0.0-0 <2.0.0 || =3.1");
    assert_eq!((range.as_str(), String::from(range.clone())), (">=1.0.0-0 <2.0.0 || =3.1", range.to_string()));
    let parts: Vec<Vec<String>> = range
        .groups()
        .iter()
        .map(|group| {
            let atoms = group.atoms().iter();
            atoms.map(|atom| format!("{} {}", atom.operator().as_str(), atom.version().text())).collect()
        })
        .collect();
    assert_eq!(parts, [vec![">= 1.0.0-0", "< 2.0.0"], vec![" 3.1"]]);
    // One pre-release opens its whole group, and no other.
    let open: Vec<bool> = range.groups().iter().map(promotion_core::flux::Group::admits_prereleases).collect();
    assert_eq!(open, [true, false]);
}

#[test]
fn operators_are_written_as_they_are_read() {
    for text in ["", "!=", ">", "<", ">=", "<=", "~", "^"] {
        let read = constraint(&format!("{text}1.2.3"));
        let operator: Operator = read.groups()[0].atoms()[0].operator();
        assert_eq!(operator.as_str(), text);
    }
}

#[test]
fn constraints_are_equal_as_their_texts_are() {
    let (one, same, other) = (constraint(">= 1.0.0"), constraint(">= 1.0.0"), constraint(">= 1.0.1"));
    assert!(one == same && one != other);
    assert_eq!(one.partial_cmp(&other), Some(one.as_str().cmp(other.as_str())));
    assert_eq!(one.cmp(&same), std::cmp::Ordering::Equal);
    let set: BTreeSet<Constraint> = (0..100).map(|minor| constraint(&format!("^1.{minor}.0"))).collect();
    assert_eq!(set.len(), 100);
    assert!(set.contains(&constraint("^1.7.0")) && !set.contains(&constraint("^2.7.0")));
    let hash = |constraint: &Constraint| {
        use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
        BuildHasherDefault::<DefaultHasher>::default().hash_one(constraint)
    };
    assert_eq!(hash(&one), hash(&same));
    assert_ne!(hash(&one), hash(&other));
}

/// The tags that follow the selected one.
fn runners_up<'t>(tags: &[&'t str], constraint: &str, count: Option<usize>) -> Vec<&'t str> {
    let mut selector = Selector::parse(constraint, None, None).unwrap();
    selector.runners_up = count.unwrap_or(selector.runners_up);
    select(tags.iter().copied(), &selector).unwrap().runners_up
}

#[test]
fn runners_up_are_the_next_best_however_they_are_listed() {
    let best_first = ["9.0.0", "8.0.0", "7.1.0", "7.0.0", "6.0.0", "5.0.0", "4.0.0", "3.0.0-rc.1"];
    let mut shuffled = best_first;
    for turn in 0..best_first.len() {
        shuffled.rotate_left(1);
        for count in 0..=8 {
            let expected: Vec<&str> = best_first[1..7].iter().copied().take(count).collect();
            assert_eq!(runners_up(&shuffled, ">= 0.0.0", Some(count)), expected, "{count} after {turn} turns");
        }
        shuffled.swap(1, 5);
    }
    let reversed: Vec<&str> = best_first.iter().rev().copied().collect();
    assert_eq!(runners_up(&reversed, ">= 0.0.0", None), best_first[1..6], "five, where nobody says how many");
    let described: Selector = serde_json::from_str(r#"{"constraint": ">= 0.0.0"}"#).unwrap();
    assert_eq!(described.runners_up, 5);
}

#[test]
fn a_tag_that_is_listed_twice_runs_once() {
    let tags = ["2.0.0", "1.0.0", "2.0.0", "1.0.0", "0.5.0", "1.0.0"];
    assert_eq!(runners_up(&tags, ">= 0.0.0", Some(3)), ["1.0.0", "0.5.0"]);
}
