//! Points in time as text.

/// Seconds since 1970 of a text like `2024-08-20T18:37:24Z`; nothing for other texts.
/// <https://www.rfc-editor.org/rfc/rfc3339>
#[must_use]
pub fn seconds(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let mut date = date.splitn(3, '-').map(|n| n.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (clock, offset) = match time.find(['Z', 'z', '+', '-']) {
        Some(at) => time.split_at(at),
        None => (time, "Z"),
    };
    let mut clock = clock.split('.').next()?.splitn(3, ':').map(|n| n.parse::<i64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    Some(days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - shift(offset)?)
}

/// Seconds since 1970 of a text like `Tue, 20 Aug 2024 18:37:24 GMT`; nothing for other texts.
/// <https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7>
#[must_use]
pub fn of_header(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.split_once(", ")?.1.split(' ');
    let day = words.next()?;
    let month = words.next()?;
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let (year, clock) = (words.next()?, words.next()?);
    seconds(&format!("{year}-{month:02}-{day}T{clock}Z"))
}

/// How many seconds a place is ahead of UTC.
fn shift(offset: &str) -> Option<i64> {
    if offset.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    Some(sign * (hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60))
}

/// Days since 1970 in the Gregorian calendar: years begin in March, so that the leap day stands at their end.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// A moment as `2024-08-20T18:37:24`, in UTC.
#[must_use]
pub fn text(seconds: i64) -> String {
    let of_day = seconds.rem_euclid(86_400);
    format!("{}T{:02}:{:02}:{:02}", date(seconds), of_day / 3600, of_day / 60 % 60, of_day % 60)
}

/// The date of a moment, as `2024-08-20`.
#[must_use]
pub fn date(seconds: i64) -> String {
    let days = seconds.div_euclid(86_400) + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    format!("{:04}-{month:02}-{day:02}", year + era * 400 + i64::from(month <= 2))
}

#[cfg(test)]
mod tests {
    use super::{date, of_header, seconds, text};

    #[test]
    fn moments_have_dates() {
        for text in ["1970-01-01", "2000-02-29", "2024-12-31", "1969-12-31", "2100-03-01"] {
            assert_eq!(date(seconds(&format!("{text}T23:59:59Z")).unwrap()), text);
        }
    }

    #[test]
    fn texts_are_moments() {
        for (text, at) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2024-08-20T18:37:24.100435Z", 1_724_179_044),
            ("2024-02-29T23:59:59+00:00", 1_709_251_199),
            ("2026-01-01T01:00:00+01:00", 1_767_225_600),
            ("2025-12-31T19:00:00-05:00", 1_767_225_600),
        ] {
            assert_eq!(seconds(text), Some(at), "{text}");
        }
        for text in ["", "2024", "2024-13-01T00:00:00Z", "2024-01-01T00:00Z", "yesterdayTnoon"] {
            assert_eq!(seconds(text), None, "{text}");
        }
        assert_eq!(of_header("Tue, 20 Aug 2024 18:37:24 GMT"), Some(1_724_179_044));
        assert_eq!(of_header("Tuesday"), None);
        assert_eq!(text(1_724_179_044), "2024-08-20T18:37:24");
    }
}
