//! Words in texts.

/// How many of the keywords stand in a text, as words of their own.
pub(super) fn hits(text: &str, own: Option<&[String]>, usual: &[&str]) -> usize {
    match own {
        Some(own) => own.iter().filter(|k| stands(text, &k.to_lowercase())).count(),
        None => usual.iter().filter(|k| stands(text, k)).count(),
    }
}

/// True when a word, or several, stand in a text without letters or digits beside them.
pub(super) fn stands(text: &str, word: &str) -> bool {
    places(text, word).next().is_some()
}

/// Where a word stands in a text: the byte behind it.
pub(super) fn places<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = usize> + 't {
    let edge = |c: Option<char>| c.is_none_or(|c: char| !c.is_alphanumeric());
    text.match_indices(word).filter(|_| !word.is_empty()).map(|(at, _)| (at, at + word.len())).filter_map(
        move |(at, end)| {
            let starts = word.chars().next().is_some_and(char::is_alphanumeric);
            let ends = word.chars().next_back().is_some_and(char::is_alphanumeric);
            let alone = (!starts || edge(text.get(..at).and_then(|b| b.chars().next_back())))
                && (!ends || edge(text.get(end..).and_then(|b| b.chars().next())));
            alone.then_some(end)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_words() {
        assert!(stands("a class of its own", "class") && !stands("a classic", "class"));
        assert!(stands("x ```y", "```") && stands("é api", "api") && !stands("capital", "api"));
    }
}
