//! Sizes of images in other words.

use llm_types::Json;

/// Width and height of `1024x1536`.
pub(super) fn pixels(size: &str) -> Option<(u64, u64)> {
    let (width, height) = size.trim().split_once(['x', 'X'])?;
    Some((width.trim().parse().ok()?, height.trim().parse().ok()?))
}

/// Width and height as an object.
pub(super) fn as_box(size: &str) -> Option<Json> {
    let (width, height) = pixels(size)?;
    Some(Json::object([("width", width), ("height", height)]))
}

/// What a table says of a size.
pub(crate) fn named<'t>(table: &'t [(&str, &'t str)], size: &str) -> Option<&'t str> {
    table.iter().find(|(known, _)| *known == size).map(|(_, word)| *word)
}

/// Of `ratios` (`16:9`) the one that a size comes nearest to, the first of equals.
pub(super) fn nearest<'t>(ratios: &[&'t str], size: &str) -> Option<&'t str> {
    let (width, height) = pixels(size).filter(|(_, height)| *height > 0)?;
    let wanted = width as f64 / height as f64;
    let ratio = |text: &str| {
        let (w, h) = text.split_once(':')?;
        Some(w.parse::<f64>().ok()? / h.parse::<f64>().ok()?)
    };
    let far = |text: &&&str| ratio(text).map_or(f64::INFINITY, |r| (r - wanted).abs());
    ratios.iter().min_by(|a, b| far(a).total_cmp(&far(b))).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_in_other_words() {
        assert_eq!(pixels("1024x1536"), Some((1024, 1536)));
        assert_eq!(pixels("auto"), None);
        assert_eq!(as_box("10x20").unwrap().to_string(), r#"{"width":10,"height":20}"#);
        assert_eq!(nearest(&["16:9", "1:1", "9:16"], "1920x1080"), Some("16:9"));
        assert_eq!(nearest(&["16:9", "1:1"], "5x0"), None);
    }
}
