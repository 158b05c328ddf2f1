//! What pictures and documents in base64 are, where nobody says it.

/// The media type that the first bytes tell.
pub(crate) fn media_type(base64: &str) -> Option<&'static str> {
    const HEADS: [(&str, &str); 5] = [
        ("/9j/", "image/jpeg"),
        ("iVBORw", "image/png"),
        ("R0lGOD", "image/gif"),
        ("UklGR", "image/webp"),
        ("JVBERi", "application/pdf"),
    ];
    HEADS.iter().find(|(head, _)| base64.starts_with(head)).map(|(_, kind)| *kind)
}
