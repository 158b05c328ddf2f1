//! How long an upstream wants to be left alone, as its headers say.

use std::time::Duration;

use crate::codec::http_headers::{Headers, get};

/// How long the upstream wants to be left alone: `retry-after-ms`, or `retry-after` in seconds or as a date
/// (RFC 9110, 10.2.3; counted from the `date` of the same reply, so that no clock has to agree), or when
/// a limit that is used up begins anew (`x-ratelimit-reset-requests: 6m0s`,
/// <https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers>).
#[must_use]
pub fn retry_after(headers: &Headers<'_>) -> Option<Duration> {
    let number = |name: &str| get(headers, name)?.trim().parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0);
    let date = |name: &str| date(get(headers, name)?);
    let until = || Some(date("retry-after")?.saturating_sub(date("date")?) as f64);
    match number("retry-after-ms").map(|ms| ms / 1000.0).or_else(|| number("retry-after")).or_else(until) {
        Some(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        None => ["requests", "tokens"]
            .into_iter()
            .filter(|limit| number(&format!("x-ratelimit-remaining-{limit}")) == Some(0.0))
            .filter_map(|limit| reset(get(headers, &format!("x-ratelimit-reset-{limit}"))?))
            .max(),
    }
}

/// Seconds since 1970 of a date as RFC 9110 wants it: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, rest) = text.trim().split_once(", ")?;
    let mut words = rest.split(' ');
    let day: u64 = words.next()?.parse().ok().filter(|day| (1..=31).contains(day))?;
    let named = words.next()?;
    let month = MONTHS.iter().position(|month| *month == named)? as u64 + 1;
    let year: u64 = words.next()?.parse().ok().filter(|year| (1970..=9999).contains(year))?;
    let mut clock = words.next()?.split(':').map(str::parse::<u64>);
    let mut next = |most: u64| clock.next()?.ok().filter(|n| *n <= most);
    let (hour, minute, second) = (next(23)?, next(59)?, next(60)?);
    if words.next() != Some("GMT") {
        return None;
    }
    // days of the civil calendar, years beginning in March
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1;
    Some((days - 719_468) * 86_400 + hour * 3600 + minute * 60 + second)
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
    fn a_date_is_counted_from_the_replys_own() {
        assert_eq!(date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(date("Thu, 29 Feb 2024 23:59:60 GMT"), Some(1_709_251_200));
        for bad in [
            "",
            "soon",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 00 Foo 1994 1:2:3 GMT",
        ] {
            assert_eq!(date(bad), None, "{bad}");
        }
        let now = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        let wait = |text: &'static str| retry_after(&[now, ("retry-after", text)]);
        assert_eq!(wait("Sun, 06 Nov 1994 08:50:07 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO), "it is over");
        assert_eq!(
            retry_after(&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")]),
            None,
            "nobody says what time it is"
        );
    }

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
