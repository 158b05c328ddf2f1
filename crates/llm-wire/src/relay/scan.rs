//! Bytes of events, looked at without parsing.

use memchr::memmem;

/// Where the last whole event of `bytes` ends: behind its empty line.
pub(super) fn events_end(bytes: &[u8]) -> usize {
    let lf = memmem::rfind(bytes, b"\n\n").map(|at| at + 2);
    let crlf = memmem::rfind(bytes, b"\n\r\n").map(|at| at + 3);
    let cr = if lf.is_none() && crlf.is_none() { memmem::rfind(bytes, b"\r\r").map(|at| at + 2) } else { None };
    lf.max(crlf).max(cr).unwrap_or(0)
}

/// Where the first event of `bytes` ends: behind its empty line.
#[must_use]
pub fn first_event_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let line_end = memchr::memchr2(b'\n', b'\r', bytes.get(at..)?)? + at;
        let next = match bytes.get(line_end..) {
            Some([b'\r', b'\n', ..]) => line_end + 2,
            _ => line_end + 1,
        };
        if line_end == at && at > 0 {
            return Some(next);
        }
        at = next;
    }
}

/// The content of the first `data` line of an event.
pub(super) fn data_line(event: &[u8]) -> Option<&[u8]> {
    let mut rest = event;
    loop {
        let end = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let (line, tail) = rest.split_at(end);
        if let Some(data) = line.strip_prefix(b"data:") {
            return Some(data.strip_prefix(b" ").unwrap_or(data));
        }
        rest = tail.get(1..)?;
    }
}

/// The name of an event, where its first line tells it.
pub(super) fn event_name(event: &[u8]) -> Option<&[u8]> {
    let line = event.trim_ascii_start().strip_prefix(b"event:")?;
    let end = memchr::memchr2(b'\n', b'\r', line).unwrap_or(line.len());
    line.get(..end).map(<[u8]>::trim_ascii)
}

/// An event whose data comes in several lines, with its data in one; nothing for others.
pub(super) fn joined(event: &[u8]) -> Option<Vec<u8>> {
    let more = |line: &[u8]| memmem::find_iter(event, line).count();
    if usize::from(event.starts_with(b"data:")) + more(b"\ndata:") + more(b"\rdata:") < 2 {
        return None;
    }
    let lines = || event.split(|b| matches!(b, b'\n' | b'\r')).filter(|line| !line.is_empty());
    let data = |line: &&[u8]| line.starts_with(b"data:");
    let mut out = Vec::with_capacity(event.len());
    for line in lines().filter(|line| !data(line)) {
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out.extend_from_slice(b"data:");
    // A line break stands between two words of JSON, never inside of one.
    for line in lines().filter(data) {
        out.push(b' ');
        out.extend_from_slice(line.get(b"data:".len()..).unwrap_or_default().trim_ascii());
    }
    out.extend_from_slice(b"\n\n");
    Some(out)
}

/// The quoted string behind the first unescaped `key` (which holds its colon): where its quotes stand.
pub(crate) fn string_value(json: &[u8], key: &[u8]) -> Option<(usize, usize)> {
    let mut from = 0;
    let at = loop {
        let at = memmem::find(json.get(from..)?, key)? + from;
        if at == 0 || json.get(at - 1) != Some(&b'\\') {
            break at + key.len();
        }
        from = at + key.len();
    };
    let open = at + json.get(at..)?.iter().take_while(|b| **b == b' ').count();
    (json.get(open) == Some(&b'"')).then_some(())?;
    let mut end = open + 1;
    loop {
        end += memchr::memchr2(b'"', b'\\', json.get(end..)?)?;
        if json.get(end) == Some(&b'"') {
            return Some((open, end + 1));
        }
        end += 2;
    }
}

/// Length of the string behind `key`; nothing when there is no string (null, absent).
pub(crate) fn string_after(json: &[u8], key: &[u8]) -> Option<usize> {
    string_value(json, key).map(|(open, end)| end - open - 2)
}

/// Where the value behind `"key"` begins, when it is neither null nor absent. Escaped keys (inside of texts) are not
/// keys.
pub(super) fn value_at(json: &[u8], quoted_key: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = memmem::find(json.get(from..)?, quoted_key)? + from;
        from = at + quoted_key.len();
        let skip = json.get(from..)?.iter().take_while(|b| matches!(b, b' ' | b':' | b'\t')).count();
        let colon = json.get(from..from + skip)?.contains(&b':');
        if colon && json.get(from + skip) != Some(&b'n') {
            return Some(from + skip);
        }
    }
}

/// Where a slice of `whole` stands in it.
pub(super) fn place(whole: &[u8], part: &str) -> Option<(usize, usize)> {
    let from = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    let to = from.checked_add(part.len())?;
    (to <= whole.len()).then_some((from, to))
}

/// True for what looks like one JSON object, or the end marker. A cheap look at both ends: hosts that break off inside
/// an event are common, hosts that write wrong JSON inside a whole one are not.
pub(super) fn whole_object(data: &[u8]) -> bool {
    let data = data.trim_ascii();
    matches!((data.first(), data.last()), (Some(b'{'), Some(b'}'))) || data == b"[DONE]" || data.is_empty()
}
