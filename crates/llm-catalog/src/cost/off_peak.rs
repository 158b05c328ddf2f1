//! Windows of cheaper prices.

/// Whether a moment is in one of the windows, written `days:start-end;` as [`crate::derive`] packs them: days as bits
/// from Monday, times in minutes of the UTC day. A window may pass midnight; one that ends where it starts is a day.
pub(super) fn open(windows: &str, unix_seconds: u64) -> bool {
    let minute = unix_seconds / 60 % 1440;
    // 1 January 1970 was a Thursday.
    let weekday = (unix_seconds / 86_400 + 3) % 7;
    windows.split_terminator(';').any(|window| inside(window, weekday, minute).unwrap_or(false))
}

fn inside(window: &str, weekday: u64, minute: u64) -> Option<bool> {
    let (days, hours) = window.split_once(':')?;
    let (start, end) = hours.split_once('-')?;
    let (days, start, end): (u64, u64, u64) = (days.parse().ok()?, start.parse().ok()?, end.parse().ok()?);
    let hours = if start < end { start <= minute && minute < end } else { minute >= start || minute < end };
    Some(hours && days >> weekday & 1 == 1)
}

/// Seconds since 1970, now.
pub(super) fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21 was a Saturday.
    const SATURDAY: u64 = 1_795_219_200;
    const HOUR: u64 = 3600;

    #[test]
    fn windows_open_and_close() {
        let weekdays = "31:0-60;31:600-0;";
        assert!(!open(weekdays, SATURDAY));
        let monday = SATURDAY + 48 * HOUR;
        assert!(open(weekdays, monday + HOUR - 1));
        assert!(!open(weekdays, monday + HOUR));
        assert!(open(weekdays, monday + 10 * HOUR));
        assert!(open(weekdays, monday + 23 * HOUR));
        assert!(open("96:0-0;", SATURDAY + 13 * HOUR), "the whole day");
        assert!(open("127:1350-30;", SATURDAY + 23 * HOUR), "past midnight");
        assert!(!open("", SATURDAY));
        assert!(!open("nonsense;1:2;", SATURDAY));
    }
}
