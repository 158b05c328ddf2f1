//! What kind of file a file is.

use crate::task::FilePart;

/// Media types by the ends of file names, as OpenAI's library knows them from Python's table.
const TYPES: [(&str, &str); 20] = [
    ("aac", "audio/aac"),
    ("aif", "audio/x-aiff"),
    ("aiff", "audio/x-aiff"),
    ("flac", "audio/flac"),
    ("gif", "image/gif"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("m4a", "audio/mp4"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("mpeg", "video/mpeg"),
    ("mpga", "audio/mpeg"),
    ("oga", "audio/ogg"),
    ("ogg", "audio/ogg"),
    ("opus", "audio/opus"),
    ("png", "image/png"),
    ("wav", "audio/x-wav"),
    ("webm", "video/webm"),
    ("webp", "image/webp"),
];

/// The file with the media type that its name tells; without one, as the client named it.
#[must_use]
pub(super) fn typed_by_name(mut file: FilePart) -> FilePart {
    let ending = file.filename.as_deref().and_then(|n| n.rsplit_once('.')).map(|(_, e)| e.to_ascii_lowercase());
    if let Some(known) = ending.and_then(|e| TYPES.iter().find(|(name, _)| *name == e)) {
        file.content_type = Some(known.1.to_owned());
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_tells_the_type() {
        let typed = |name: &str| {
            let file = FilePart {
                name: "file".into(),
                filename: Some(name.into()),
                content_type: Some("x/y".into()),
                ..FilePart::default()
            };
            typed_by_name(file).content_type.unwrap()
        };
        assert_eq!((typed("a.WAV"), typed("b.unknown")), ("audio/x-wav".to_owned(), "x/y".to_owned()));
    }
}
