//! What can go wrong, by name.

use std::str::FromStr;

use serde::{Deserialize, Deserializer};

/// A scripted fault. `after` is [`crate::Script::after`]; "mid" faults of a reply that is not a stream come after half
/// of its announced bytes.
///
/// | name | what the client sees |
/// |---|---|
/// | `400` .. `599` | that status with the provider's own error body; 429 with `Retry-After` |
/// | `context` | 400, prompt too long |
/// | `policy` | 400, rejected by the content policy |
/// | `quota` | 429, out of credit (not a rate limit) |
/// | `empty` | 500 without a body |
/// | `html` | 502 with a page of HTML |
/// | `slow` | a late response head (`delay_ms`, default 3000), then the normal reply |
/// | `close` | the connection ends (FIN) without a byte of response |
/// | `reset` | the connection is reset (RST): before the head, or mid when `after` is given |
/// | `garbage` | bytes that are not HTTP |
/// | `gzip` | `content-encoding: gzip` over bytes that are not gzip |
/// | `wrong-type` | 200 with an HTML page |
/// | `malformed` | stream: an event that is not JSON after `after` chunks, then the rest; else half a JSON text |
/// | `error-event` | status 200; stream: the provider's error event after `after` chunks; else an error body |
/// | `cut` | mid: the connection ends in the middle of an event (HTTP/2: stream reset) |
/// | `half-close` | mid: our direction ends, the socket stays open (HTTP/2: as `cut`) |
/// | `stall` | mid: nothing more comes, the connection stays open |
/// | `end-early` | stream: HTTP ends well after `after` chunks, without finish reason or end marker |
/// | `no-end` | stream: everything but the end marker (`[DONE]`, `message_stop`) |
/// | `double-end` | stream: the end marker twice |
/// | `oversized-line` | one content chunk of `size` bytes (default 2 MiB) after `after` others |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// An error status.
    Status(u16),
    /// 400, prompt too long.
    Context,
    /// 400, content policy.
    Policy,
    /// 429, out of credit.
    Quota,
    /// 500 without a body.
    Empty,
    /// 502 with HTML.
    Html,
    /// Late head.
    Slow,
    /// FIN without a response.
    Close,
    /// RST.
    Reset,
    /// Not HTTP.
    Garbage,
    /// Not gzip.
    Gzip,
    /// 200 with HTML.
    WrongType,
    /// An event that is not JSON.
    Malformed,
    /// The provider's error event inside status 200.
    ErrorEvent,
    /// End in the middle of an event.
    Cut,
    /// FIN of our direction only.
    HalfClose,
    /// Silence.
    Stall,
    /// A proper HTTP end, too early.
    EndEarly,
    /// No end marker.
    NoEnd,
    /// Two end markers.
    DoubleEnd,
    /// A very long line.
    OversizedLine,
}

const NAMES: &[(&str, Fault)] = &[
    ("context", Fault::Context),
    ("policy", Fault::Policy),
    ("quota", Fault::Quota),
    ("empty", Fault::Empty),
    ("html", Fault::Html),
    ("slow", Fault::Slow),
    ("close", Fault::Close),
    ("reset", Fault::Reset),
    ("garbage", Fault::Garbage),
    ("gzip", Fault::Gzip),
    ("wrong-type", Fault::WrongType),
    ("malformed", Fault::Malformed),
    ("error-event", Fault::ErrorEvent),
    ("cut", Fault::Cut),
    ("half-close", Fault::HalfClose),
    ("stall", Fault::Stall),
    ("end-early", Fault::EndEarly),
    ("no-end", Fault::NoEnd),
    ("double-end", Fault::DoubleEnd),
    ("oversized-line", Fault::OversizedLine),
];

impl FromStr for Fault {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        if let Ok(status) = name.parse::<u16>() {
            return match status {
                400..=599 => Ok(Self::Status(status)),
                _ => Err(format!("fault status {status} is not between 400 and 599")),
            };
        }
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, fault)| *fault).ok_or_else(|| {
            let known: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
            format!("unknown fault {name:?}; known: a status, {}", known.join(", "))
        })
    }
}

impl<'de> Deserialize<'de> for Fault {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let name = match serde_json::Value::deserialize(d)? {
            serde_json::Value::String(name) => name,
            other => other.to_string(),
        };
        name.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_statuses() {
        assert_eq!("503".parse(), Ok(Fault::Status(503)));
        assert_eq!("half-close".parse(), Ok(Fault::HalfClose));
        assert!("200".parse::<Fault>().unwrap_err().contains("400 and 599"));
        assert!("frog".parse::<Fault>().unwrap_err().contains("oversized-line"));
        assert_eq!(serde_json::from_str::<Fault>("429").unwrap(), Fault::Status(429));
        assert_eq!(serde_json::from_str::<Fault>("\"cut\"").unwrap(), Fault::Cut);
    }
}
