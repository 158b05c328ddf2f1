//! Durations as LiteLLM writes them (`30s`, `12h`, `7d`, `1mo`), and when budgets start again.

use chrono::{DateTime, TimeDelta, Utc};
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan as _, Zoned};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Month,
}

/// A length of time: `<number><unit>` with the units s, m, h, d, w and mo, or `hourly`, `daily`, `weekly`, `monthly`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    count: i32,
    unit: Unit,
}

impl Period {
    /// Reads a duration. Nothing for a text of another form, and for lengths that are not positive.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = match text.trim() {
            "hourly" => "1h",
            "daily" => "24h",
            "weekly" => "7d",
            "monthly" => "30d",
            text => text,
        };
        let at = text.find(|c: char| !c.is_ascii_digit())?;
        let (number, unit) = text.split_at_checked(at)?;
        let count: i32 = number.parse().ok().filter(|n| *n > 0)?;
        // Ten thousand years are enough for every unit and fit every calendar.
        let (count, unit, most) = match unit {
            "s" => (count, Unit::Second, i32::MAX),
            "m" => (count, Unit::Minute, i32::MAX),
            "h" => (count, Unit::Hour, 24 * 366 * 1000),
            "d" => (count, Unit::Day, 366 * 1000),
            "w" => (count.checked_mul(7)?, Unit::Day, 366 * 1000),
            "mo" => (count, Unit::Month, 12 * 1000),
            _ => return None,
        };
        (count <= most).then_some(Self { count, unit })
    }

    /// The moment that lies exactly this length after `from`; months are calendar months, their day cut to the month's last.
    #[must_use]
    pub fn after(self, from: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let seconds = |n: i64| TimeDelta::try_seconds(n).and_then(|d| from.checked_add_signed(d));
        let count = i64::from(self.count);
        match self.unit {
            Unit::Second => seconds(count),
            Unit::Minute => seconds(count.checked_mul(60)?),
            Unit::Hour => seconds(count.checked_mul(3600)?),
            Unit::Day => seconds(count.checked_mul(86_400)?),
            Unit::Month => from.checked_add_months(chrono::Months::new(u32::try_from(self.count).ok()?)),
        }
    }

    /// The length in seconds, a month counted as 30 days: for comparing with a ceiling.
    #[must_use]
    pub fn seconds(self) -> i64 {
        let each = match self.unit {
            Unit::Second => 1,
            Unit::Minute => 60,
            Unit::Hour => 3600,
            Unit::Day => 86_400,
            Unit::Month => 30 * 86_400,
        };
        i64::from(self.count).saturating_mul(each)
    }
}

/// When budgets reset: a zone and a time of day in it.
#[derive(Debug, Clone)]
pub struct ResetClock {
    zone: TimeZone,
    at: Time,
}

impl Default for ResetClock {
    fn default() -> Self {
        Self { zone: TimeZone::UTC, at: Time::midnight() }
    }
}

impl ResetClock {
    /// A clock for an IANA zone (`None`: UTC) and a time `HH:MM` (`None`: midnight).
    ///
    /// # Errors
    /// When the zone is unknown or the time is not one; the text says which.
    pub fn new(zone: Option<&str>, at: Option<&str>) -> Result<Self, String> {
        let zone = match zone {
            None => TimeZone::UTC,
            Some(name) => TimeZone::get(name).map_err(|_| format!("timezone: `{name}` is not an IANA time zone"))?,
        };
        let at = match at {
            None => Time::midnight(),
            Some(text) => {
                Time::strptime("%H:%M", text).map_err(|_| format!("budget_reset_time: `{text}` is not HH:MM"))?
            }
        };
        Ok(Self { zone, at })
    }

    /// The next reset after `now`, aligned to the calendar: `7d` and `1w` mean next Monday, `30d` and `1mo` the first of the
    /// next month, `1d` the next time of day, other days that many days from today, hours, minutes and seconds the next
    /// multiple. Nothing for several months, which LiteLLM does not know, and beyond the calendar.
    #[must_use]
    pub fn next(&self, period: Period, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let utc = Timestamp::from_millisecond(now.timestamp_millis()).ok()?;
        let here = utc.to_zoned(self.zone.clone());
        let next = match (period.unit, period.count) {
            (Unit::Day, 1) => self.first_after(here.date(), 1.days(), &here)?,
            (Unit::Day, 7) => {
                // The last Monday before today, then week by week.
                let monday = here.date().nth_weekday(-1, Weekday::Monday).ok()?;
                self.first_after(monday, 7.days(), &here)?
            }
            (Unit::Day, 30) | (Unit::Month, 1) => self.first_after(here.date().first_of_month(), 1.months(), &here)?,
            (Unit::Month, _) => return None,
            (Unit::Day, n) => self.first_after(here.date().checked_add(n.days()).ok()?, n.days(), &here)?,
            (Unit::Hour, n) => {
                let count = multiple_after(here.hour(), n)?;
                let at =
                    here.date().to_datetime(Time::midnight()).checked_add(Span::new().try_hours(count).ok()?).ok()?;
                at.to_zoned(self.zone.clone()).ok()?
            }
            // By elapsed time: a local time that the clocks show twice is not the one that is over.
            (Unit::Minute, n) => {
                let count = multiple_after(here.minute(), n)? - i64::from(here.minute());
                let minute = here.with().second(0).subsec_nanosecond(0).build().ok()?;
                minute.checked_add(Span::new().try_minutes(count).ok()?).ok()?
            }
            (Unit::Second, n) => {
                let count = multiple_after(here.second(), n)? - i64::from(here.second());
                let second = here.with().subsec_nanosecond(0).build().ok()?;
                second.checked_add(Span::new().try_seconds(count).ok()?).ok()?
            }
        };
        DateTime::from_timestamp_millis(next.timestamp().as_millisecond())
    }

    /// The first of `day`, a step later, two steps later ... at the reset time that lies after `now`.
    fn first_after(&self, mut day: Date, step: Span, now: &Zoned) -> Option<Zoned> {
        for _ in 0..3 {
            let at = day.to_datetime(self.at).to_zoned(self.zone.clone()).ok()?;
            if at > *now {
                return Some(at);
            }
            day = day.checked_add(step).ok()?;
        }
        None
    }
}

/// The next multiple of `n` when `passed` units are over.
fn multiple_after(passed: i8, n: i32) -> Option<i64> {
    let (passed, n) = (i64::from(passed), i64::from(n));
    (passed / n + 1).checked_mul(n)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
    }

    #[test]
    fn resets_are_aligned_to_the_calendar() {
        // 2026-01-14 is a Wednesday.
        let now = "2026-01-14T10:20:30Z";
        for (zone, at, now, period, wanted) in [
            ("UTC", "00:00", now, "1d", "2026-01-15T00:00:00Z"),
            ("UTC", "09:30", now, "1d", "2026-01-15T09:30:00Z"),
            ("UTC", "11:00", now, "1d", "2026-01-14T11:00:00Z"),
            ("UTC", "00:00", now, "24h", "2026-01-15T00:00:00Z"),
            ("UTC", "00:00", now, "daily", "2026-01-15T00:00:00Z"),
            ("UTC", "00:00", now, "7d", "2026-01-19T00:00:00Z"),
            ("UTC", "00:00", now, "1w", "2026-01-19T00:00:00Z"),
            ("UTC", "00:00", "2026-01-19T00:00:00Z", "7d", "2026-01-26T00:00:00Z"),
            ("UTC", "06:00", "2026-01-19T05:00:00Z", "7d", "2026-01-19T06:00:00Z"),
            ("UTC", "00:00", now, "30d", "2026-02-01T00:00:00Z"),
            ("UTC", "00:00", now, "1mo", "2026-02-01T00:00:00Z"),
            ("UTC", "00:00", "2026-12-31T23:59:59Z", "1mo", "2027-01-01T00:00:00Z"),
            ("UTC", "00:00", now, "3d", "2026-01-17T00:00:00Z"),
            ("UTC", "00:00", now, "2w", "2026-01-28T00:00:00Z"),
            ("UTC", "00:00", now, "1h", "2026-01-14T11:00:00Z"),
            ("UTC", "00:00", now, "6h", "2026-01-14T12:00:00Z"),
            ("UTC", "00:00", now, "48h", "2026-01-16T00:00:00Z"),
            ("UTC", "00:00", now, "15m", "2026-01-14T10:30:00Z"),
            ("UTC", "00:00", now, "30s", "2026-01-14T10:21:00Z"),
            ("America/New_York", "00:00", now, "1d", "2026-01-15T05:00:00Z"),
            // The clocks go forward on 2026-03-08 in New York.
            ("America/New_York", "00:00", "2026-03-08T06:00:00Z", "1d", "2026-03-09T04:00:00Z"),
            // They go back on 2026-10-25 in Berlin: the hour from two to three comes twice.
            ("Europe/Berlin", "00:00", "2026-10-25T00:59:30Z", "1m", "2026-10-25T01:00:00Z"),
            ("Europe/Berlin", "00:00", "2026-10-25T01:30:10Z", "1m", "2026-10-25T01:31:00Z"),
            ("Europe/Berlin", "00:00", "2026-10-25T01:30:10Z", "15s", "2026-10-25T01:30:15Z"),
            ("Europe/Berlin", "00:00", "2026-10-25T01:30:10Z", "1h", "2026-10-25T02:00:00Z"),
            ("Asia/Kolkata", "00:00", "2026-01-31T20:00:00Z", "30d", "2026-02-28T18:30:00Z"),
        ] {
            let clock = ResetClock::new(Some(zone), Some(at)).unwrap();
            let next = clock.next(Period::parse(period).unwrap(), utc(now)).unwrap();
            assert_eq!(next, utc(wanted), "{period} after {now} in {zone} at {at}");
        }
        assert!(ResetClock::default().next(Period::parse("2mo").unwrap(), utc(now)).is_none());
        assert!(ResetClock::new(Some("Mars/Olympus"), None).is_err() && ResetClock::new(None, Some("25:00")).is_err());
    }

    #[test]
    fn durations_of_every_form() {
        let from = utc("2026-01-31T00:00:00Z");
        for (text, wanted) in [
            ("30s", Some("2026-01-31T00:00:30Z")),
            ("5m", Some("2026-01-31T00:05:00Z")),
            ("24h", Some("2026-02-01T00:00:00Z")),
            ("2d", Some("2026-02-02T00:00:00Z")),
            ("1w", Some("2026-02-07T00:00:00Z")),
            ("1mo", Some("2026-02-28T00:00:00Z")),
            ("monthly", Some("2026-03-02T00:00:00Z")),
            ("0d", None),
            ("-1", None),
            ("d", None),
            ("", None),
            ("1y", None),
            ("1.5h", None),
            ("99999999999s", None),
        ] {
            assert_eq!(Period::parse(text).and_then(|p| p.after(from)), wanted.map(utc), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_reset_lies_ahead_and_not_too_far(count in 1_i32..400, unit in 0_usize..5, seconds in 0_i64..4_000_000_000) {
            let unit = ["s", "m", "h", "d", "w"].get(unit).copied().unwrap_or("s");
            let period = Period::parse(&format!("{count}{unit}")).unwrap();
            let now = DateTime::from_timestamp(seconds, 0).unwrap();
            let clock = ResetClock::new(Some("Europe/Berlin"), Some("03:15")).unwrap();
            let next = clock.next(period, now).unwrap();
            prop_assert!(next > now);
            prop_assert!((next - now).num_seconds() <= period.seconds() + 2 * 86_400);
        }
    }
}
