//! Bytes of sound: what kind they are, samples with a head of WAV and without.

/// Samples a second that Gemini's models speak in: 16 bits, one channel.
pub(super) const RATE: u32 = 24_000;

/// The media type that the first bytes tell.
pub(super) fn media_type(sound: &[u8]) -> Option<&'static str> {
    match sound {
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => Some("audio/wav"),
        [b'O', b'g', b'g', b'S', ..] => Some("audio/ogg"),
        [b'f', b'L', b'a', b'C', ..] => Some("audio/flac"),
        [b'I', b'D', b'3', ..] => Some("audio/mpeg"),
        // a frame of MPEG audio: eleven bits that are set
        [0xFF, second, ..] if second & 0xE0 == 0xE0 => Some("audio/mpeg"),
        _ => None,
    }
}

/// Samples of 16 bits on one channel with a head of WAV; what has one already stays.
pub(super) fn with_head(samples: Vec<u8>, rate: u32) -> Vec<u8> {
    if media_type(&samples).is_some() {
        return samples;
    }
    let size = u32::try_from(samples.len()).unwrap_or(u32::MAX);
    let mut out = Vec::with_capacity(samples.len() + 44);
    out.extend_from_slice(b"RIFF");
    out.extend_from_slice(&size.saturating_add(36).to_le_bytes());
    out.extend_from_slice(b"WAVEfmt ");
    out.extend_from_slice(&16_u32.to_le_bytes());
    for half in [1_u16, 1] {
        out.extend_from_slice(&half.to_le_bytes());
    }
    for whole in [rate, rate.saturating_mul(2)] {
        out.extend_from_slice(&whole.to_le_bytes());
    }
    for half in [2_u16, 16] {
        out.extend_from_slice(&half.to_le_bytes());
    }
    out.extend_from_slice(b"data");
    out.extend_from_slice(&size.to_le_bytes());
    out.extend_from_slice(&samples);
    out
}

/// The samples of a WAV file; what is none stays.
pub(super) fn samples(sound: Vec<u8>) -> Vec<u8> {
    if media_type(&sound) != Some("audio/wav") {
        return sound;
    }
    let mut at = 12;
    while let Some([a, b, c, d, s0, s1, s2, s3]) = sound.get(at..at + 8) {
        let size = u32::from_le_bytes([*s0, *s1, *s2, *s3]) as usize;
        if [*a, *b, *c, *d] == *b"data" {
            return sound.get(at + 8..at + 8 + size).map_or_else(|| sound.clone(), <[u8]>::to_vec);
        }
        at += 8 + size + size % 2;
    }
    sound
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_come_and_go() {
        let wav = with_head(vec![1, 0, 2, 0], RATE);
        assert_eq!((wav.len(), media_type(&wav)), (48, Some("audio/wav")));
        assert_eq!(with_head(wav.clone(), RATE), wav, "one head is enough");
        assert_eq!(samples(wav), [1, 0, 2, 0]);
        assert_eq!(samples(vec![1, 2, 3]), [1, 2, 3]);
        assert_eq!(media_type(b"OggS"), Some("audio/ogg"));
        assert_eq!(media_type(&[0xFF, 0xFB, 0]), Some("audio/mpeg"));
        assert_eq!(media_type(b"?"), None);
    }
}
