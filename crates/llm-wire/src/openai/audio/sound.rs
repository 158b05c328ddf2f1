//! How long a sound is, read off its head: for hosts that do not tell by what they bill.

use crate::task::FilePart;

/// Seconds of a WAV, FLAC or Ogg file; nothing for other files and broken ones. Of a file that nobody holds its ends
/// are enough.
pub(crate) fn seconds(file: &FilePart) -> Option<f64> {
    let data = &file.data;
    let length = match data.get(..4)? {
        b"RIFF" => wav(data, file.size()),
        b"fLaC" => flac(data),
        b"OggS" => ogg(data, file.more.as_ref().map_or(data, |more| &more.last)),
        _ => None,
    };
    length.filter(|s| s.is_finite() && *s > 0.0)
}

fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// Bytes per second stand in the `fmt ` chunk; the `data` chunk's own length may be a lie of somebody who streamed.
fn wav(file: &[u8], len: u64) -> Option<f64> {
    let mut at = 12_usize;
    let mut rate = None;
    while let Some(name) = file.get(at..at.checked_add(4)?) {
        let size = le32(file, at + 4)? as usize;
        let body = at + 8;
        match name {
            b"fmt " => rate = le32(file, body + 8).filter(|r| *r > 0),
            b"data" => return Some((size as u64).min(len.saturating_sub(body as u64)) as f64 / f64::from(rate?)),
            _ => {}
        }
        at = body.checked_add(size)?.checked_add(size % 2)?;
    }
    None
}

/// The first block names the rate (20 bits) and the number of samples (36 bits).
fn flac(file: &[u8]) -> Option<f64> {
    let info = file.get(8..8 + 18)?;
    let word = u64::from_be_bytes(info.get(10..18)?.try_into().ok()?);
    let (rate, samples) = (word >> 44, word & 0xF_FFFF_FFFF);
    (rate > 0).then(|| samples as f64 / rate as f64)
}

/// The position of the last page over the rate: 48 kHz for Opus, named in the head of Vorbis.
fn ogg(file: &[u8], end: &[u8]) -> Option<f64> {
    let head = file.get(28..)?;
    let rate = match head {
        h if h.starts_with(b"OpusHead") => 48_000,
        h if h.starts_with(b"\x01vorbis") => le32(h, 12)?,
        _ => return None,
    };
    let last = end.windows(4).rposition(|w| w == b"OggS")?;
    let position = u64::from_le_bytes(end.get(last + 6..last + 14)?.try_into().ok()?);
    (rate > 0).then(|| position as f64 / f64::from(rate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::More;
    use bytes::Bytes;

    fn seconds(data: &[u8]) -> Option<f64> {
        super::seconds(&FilePart { data: Bytes::copy_from_slice(data), ..FilePart::default() })
    }

    /// The same file, of which only the first and the last bytes are known.
    fn seconds_of_ends(data: &[u8], first: usize, last: usize) -> Option<f64> {
        let more = More { len: (data.len() - first) as u64, last: Bytes::copy_from_slice(&data[data.len() - last..]) };
        let data = Bytes::copy_from_slice(&data[..first]);
        super::seconds(&FilePart { data, more: Some(more), ..FilePart::default() })
    }

    #[test]
    fn a_wav_tells_its_rate() {
        let mut file = b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data".to_vec();
        file.extend(u32::MAX.to_le_bytes());
        file.extend([0; 8000]);
        assert_eq!(seconds(&file), Some(0.5));
        assert_eq!(seconds_of_ends(&file, 50, 0), Some(0.5));
        assert_eq!(seconds(&file[..40]), None);
        assert_eq!(seconds(b"ID3"), None);
    }

    #[test]
    fn flac_and_ogg_tell_their_samples() {
        let mut flac = b"fLaC\x00\x00\x00\x22".to_vec();
        flac.extend([0; 10]);
        flac.extend((48_000_u64 << 44 | 96_000).to_be_bytes());
        assert_eq!(seconds(&flac), Some(2.0));
        let mut ogg = b"OggS".to_vec();
        ogg.extend([0; 24]);
        ogg.extend(b"OpusHead");
        ogg.extend(b"OggS\x00\x04");
        ogg.extend(144_000_u64.to_le_bytes());
        assert_eq!(seconds(&ogg), Some(3.0));
        assert_eq!(seconds_of_ends(&ogg, 36, 14), Some(3.0));
        assert_eq!(seconds_of_ends(&ogg, 36, 5), None);
    }
}
