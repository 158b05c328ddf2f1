//! How many tokens an image is worth, as OpenAI counts them for GPT-4o class models: 85, and 170 per tile of 512
//! pixels in high detail.

use base64::Engine as _;

/// What an image counts when nobody may look at it.
pub const DEFAULT_IMAGE_TOKENS: usize = 250;

const BASE: usize = 85;
const PER_TILE: usize = 170;
const TILE: u32 = 512;
const SHORT_SIDE: u32 = 768;
const LONG_SIDE: u32 = 2000;
/// Assumed of an image whose size cannot be read, such as one behind a URL.
const UNKNOWN_SIZE: (u32, u32) = (300, 300);

/// The `detail` of an image part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detail {
    /// `low`, `auto` or not given: the flat count.
    #[default]
    Low,
    /// `high`: by tiles.
    High,
}

/// Tokens of an image given as a URL or a `data:` URL. URLs are not fetched: the size is then assumed.
#[must_use]
pub fn image_tokens(url: &str, detail: Detail) -> usize {
    match detail {
        Detail::Low => BASE,
        Detail::High => {
            let (width, height) = data_url_size(url).unwrap_or(UNKNOWN_SIZE);
            image_tokens_sized(width, height)
        }
    }
}

/// Tokens of an image of so many pixels in high detail.
#[must_use]
pub fn image_tokens_sized(width: u32, height: u32) -> usize {
    let (width, height) = shrink(width.max(1), height.max(1));
    let tiles = width.div_ceil(TILE) as usize * height.div_ceil(TILE) as usize;
    BASE + PER_TILE * tiles
}

/// Scales the short side to 768 and then the long side to at most 2000, if either is larger than 768.
fn shrink(width: u32, height: u32) -> (u32, u32) {
    if width <= SHORT_SIDE && height <= SHORT_SIDE {
        return (width, height);
    }
    let ratio = f64::from(width.max(height)) / f64::from(width.min(height));
    let long = (f64::from(SHORT_SIDE) * ratio) as u32;
    let (short, long) =
        if long > LONG_SIDE { ((f64::from(LONG_SIDE) / ratio) as u32, LONG_SIDE) } else { (SHORT_SIDE, long) };
    if width <= height { (short, long) } else { (long, short) }
}

fn data_url_size(url: &str) -> Option<(u32, u32)> {
    let (_, data) = url.strip_prefix("data:")?.split_once(',')?;
    // Headers of all kinds but JPEG come first; a JPEG's size is behind its metadata, so decode a good part.
    let end = (data.len() / 4 * 4).min(256 * 1024);
    let bytes = base64::engine::general_purpose::STANDARD.decode(data.get(..end)?).ok()?;
    size(&bytes)
}

/// Width and height from the header of a PNG, GIF, JPEG or WebP.
fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    let be = |at: usize, n: usize| bytes.get(at..at + n)?.iter().try_fold(0_u32, |v, b| Some(v << 8 | u32::from(*b)));
    let le =
        |at: usize, n: usize| bytes.get(at..at + n)?.iter().rev().try_fold(0_u32, |v, b| Some(v << 8 | u32::from(*b)));
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some((be(16, 4)?, be(20, 4)?));
    }
    if bytes.starts_with(b"GIF8") {
        return Some((le(6, 2)?, le(8, 2)?));
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return match bytes.get(12..16)? {
            b"VP8X" => Some((le(24, 3)? + 1, le(27, 3)? + 1)),
            b"VP8 " => Some((le(26, 2)? & 0x3FFF, le(28, 2)? & 0x3FFF)),
            b"VP8L" => {
                let bits = le(21, 4)?;
                Some(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1))
            }
            _ => None,
        };
    }
    if bytes.starts_with(b"\xff\xd8\xff") { jpeg_size(bytes) } else { None }
}

/// Walks the segments of a JPEG to its start-of-frame.
fn jpeg_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let u16_at = |at: usize| Some(u32::from(*bytes.get(at)?) << 8 | u32::from(*bytes.get(at + 1)?));
    let mut at = 2;
    loop {
        if *bytes.get(at)? != 0xFF {
            return None;
        }
        let marker = *bytes.get(at + 1)?;
        match marker {
            0xFF => at += 1,
            0xC0..=0xCF if !matches!(marker, 0xC4 | 0xC8 | 0xCC) => return Some((u16_at(at + 7)?, u16_at(at + 5)?)),
            _ => at += 2 + u16_at(at + 2)? as usize,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_counted() {
        assert_eq!(image_tokens("https://x/y.png", Detail::Low), 85);
        assert_eq!(image_tokens("https://x/y.png", Detail::High), 255);
        assert_eq!(image_tokens_sized(1024, 1024), 765, "OpenAI's own example");
        assert_eq!(image_tokens_sized(2048, 4096), 1105, "and another");
        assert_eq!(image_tokens_sized(0, 0), 255);
    }

    #[test]
    fn sizes_are_read() {
        let png = [b"\x89PNG\r\n\x1a\n".as_slice(), &[0; 8], &[0, 0, 4, 0, 0, 0, 2, 0]].concat();
        assert_eq!(size(&png), Some((1024, 512)));
        assert_eq!(size(b"GIF89a\x10\x00\x20\x00"), Some((16, 32)));
        let jpeg = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08\x00\x20\x00\x40rest";
        assert_eq!(size(jpeg), Some((64, 32)));
        let webp = [b"RIFF....WEBPVP8X".as_slice(), &[0; 8], &[255, 0, 0, 127, 0, 0]].concat();
        assert_eq!(size(&webp), Some((256, 128)));
        for cut in 0..jpeg.len() - 8 {
            assert_eq!(size(jpeg.get(..cut).unwrap()), None);
        }
        let url = format!("data:image/png;base64,{}", base64::engine::general_purpose::STANDARD.encode(&png));
        assert_eq!(image_tokens(&url, Detail::High), 85 + 170 * 6);
    }
}
