//! How long an upstream wants to be left alone, as its headers say.

use std::time::Duration;

use crate::codec::http_headers::{Headers, get};

/// How long the upstream wants to be left alone: `retry-after-ms`, or `retry-after` in seconds (dates are not read), or when
/// a limit that is used up begins anew (`x-ratelimit-reset-requests: 6m0s`,
/// <https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers>).
#[must_use]
pub fn retry_after(headers: &Headers<'_>) -> Option<Duration> {
    let number = |name: &str| get(headers, name)?.trim().parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0);
    match number("retry-after-ms").map(|ms| ms / 1000.0).or_else(|| number("retry-after")) {
        Some(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        None => ["requests", "tokens"]
            .into_iter()
            .filter(|limit| number(&format!("x-ratelimit-remaining-{limit}")) == Some(0.0))
            .filter_map(|limit| reset(get(headers, &format!("x-ratelimit-reset-{limit}"))?))
            .max(),
    }
}

/// A time such as `120ms`, `1s`, `6m0s` or `1h2m3.5s`; a bare number is seconds.
fn reset(text: &str) -> Option<Duration> {
    let (mut rest, mut total) = (text.trim(), 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, more) = rest.split_at(digits);
        let letters = more.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(more.len());
        let (unit, more) = more.split_at(letters);
        let seconds = match unit {
            "ms" => 0.001,
            "s" | "" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * seconds;
        rest = more;
    }
    Duration::try_from_secs_f64(total).ok().filter(|t| !t.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_is_used_up_says_when_it_begins_anew() {
        let wait = |headers: &[(&str, &str)]| retry_after(headers);
        let used_up = ("x-ratelimit-remaining-requests", "0");
        let cases = [("120ms", 120), ("1s", 1000), ("6m0s", 360_000), ("1h2m3.5s", 3_723_500), ("7", 7000)];
        for (text, ms) in cases {
            let got = wait(&[used_up, ("x-ratelimit-reset-requests", text)]);
            assert_eq!(got, Some(Duration::from_millis(ms)), "{text}");
        }
        assert_eq!(wait(&[("x-ratelimit-remaining-requests", "5"), ("x-ratelimit-reset-requests", "1s")]), None);
        let told = [used_up, ("x-ratelimit-reset-requests", "9s"), ("retry-after", "2")];
        assert_eq!(wait(&told), Some(Duration::from_secs(2)));
        assert_eq!(wait(&[used_up, ("x-ratelimit-reset-requests", "soon")]), None);
    }
}
