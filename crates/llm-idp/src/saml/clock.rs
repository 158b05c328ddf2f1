//! Instants as SAML writes them (core 1.3.3): UTC, `2026-01-31T12:00:00.123Z`.

/// Seconds since 1970 of a text; nothing for what is no instant.
pub(super) fn instant(text: &str) -> Option<i64> {
    let rest = text.strip_suffix('Z')?;
    let (date, clock) = rest.split_once('T')?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let numbers = |text: &str, sign: char, lengths: [usize; 3]| {
        let parts: Vec<&str> = text.split(sign).collect();
        let fine = parts.len() == 3 && parts.iter().zip(lengths).all(|(part, n)| part.len() == n && digits(part));
        let read: Option<Vec<i64>> = parts.iter().map(|part| part.parse().ok()).collect();
        read.filter(|_| fine)
    };
    let (date, clock) = (numbers(date, '-', [4, 2, 2])?, numbers(clock, ':', [2, 2, 2])?);
    let ([year, month, day], [hour, minute, second]) = (date.as_slice(), clock.as_slice()) else { return None };
    let fine = (1..=12).contains(month) && (1..=31).contains(day) && *hour < 24 && *minute < 60 && *second < 61;
    (fine && digits(fraction)).then(|| days(*year, *month, *day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Days since 1970 of a day of the Gregorian calendar (Hinnant's algorithm).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The text of seconds since 1970.
pub(crate) fn text(seconds: i64) -> String {
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = day + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = (year + era * 400 + i64::from(month >= 10), if month < 10 { month + 3 } else { month - 9 });
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-11-30T17:42:45.123Z", Some(1_796_060_565)),
            ("2024-02-29T00:00:00Z", Some(1_709_164_800)),
            ("2026-11-30T17:42:45+01:00", None),
            ("2026-11-30", None),
            ("2026-13-30T00:00:00Z", None),
            ("+026-11-30T00:00:00Z", None),
            ("", None),
        ] {
            assert_eq!(instant(text), seconds, "{text}");
        }
        for seconds in [0, 951_782_399, 951_782_400, 1_709_164_800, 1_709_251_199, 1_796_060_565, 4_107_542_400] {
            assert_eq!(instant(&super::text(seconds)), Some(seconds));
        }
    }
}
