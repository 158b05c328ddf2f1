//! Messages of the AWS event stream encoding (`application/vnd.amazon.eventstream`).
//!
//! A message is: its length and that of its headers (4 bytes each, big-endian), the CRC-32 of these eight bytes, the
//! headers (name length, name, type 7, value length in 2 bytes, value), the payload, and the CRC-32 of all before.

/// A message that carries an event.
pub(super) fn event(kind: &str, payload: &str) -> Vec<u8> {
    let headers = [(":event-type", kind), (":content-type", "application/json"), (":message-type", "event")];
    message(&headers, payload)
}

/// A message that ends a stream with an error.
pub(super) fn exception(kind: &str, payload: &str) -> Vec<u8> {
    let headers = [(":exception-type", kind), (":content-type", "application/json"), (":message-type", "exception")];
    message(&headers, payload)
}

/// The same message with the first half of its payload: well framed, and no JSON.
pub(crate) fn halved(message: &[u8]) -> Vec<u8> {
    let length = message.get(4..8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_be_bytes);
    let start = 12 + usize::try_from(length).unwrap_or(0);
    let headers = message.get(12..start).unwrap_or_default();
    let payload = message.get(start..message.len().saturating_sub(4)).unwrap_or_default();
    framed(headers, payload.get(..payload.len() / 2).unwrap_or_default())
}

fn message(headers: &[(&str, &str)], payload: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in headers {
        bytes.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(7);
        bytes.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend_from_slice(value.as_bytes());
    }
    framed(&bytes, payload.as_bytes())
}

fn framed(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let size = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    let mut out = Vec::with_capacity(headers.len() + payload.len() + 16);
    out.extend_from_slice(&size(headers.len() + payload.len() + 16));
    out.extend_from_slice(&size(headers.len()));
    out.extend_from_slice(&crc32(&out).to_be_bytes());
    out.extend_from_slice(headers);
    out.extend_from_slice(payload);
    out.extend_from_slice(&crc32(&out).to_be_bytes());
    out
}

/// CRC-32 of IEEE 802.3, reflected.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_ieee() {
        // the check value of the CRC catalogue
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn the_recorded_empty_message() {
        // the smallest message of the AWS SDKs' test vectors
        let bytes = [0, 0, 0, 0x10, 0, 0, 0, 0, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff];
        assert_eq!(framed(b"", b""), bytes);
    }

    #[test]
    fn half_a_payload_is_framed_again() {
        let half = halved(&event("metadata", "{\"a\":1}"));
        assert_eq!(half, event("metadata", "{\"a"));
    }
}
