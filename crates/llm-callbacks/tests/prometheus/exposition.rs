//! A reader of OpenMetrics text.

use std::collections::{BTreeMap, HashMap, HashSet};

pub(super) type Labels = BTreeMap<String, String>;

/// A small reader of OpenMetrics text that stops at the first breach of its rules.
#[derive(Debug, Default)]
pub(super) struct Exposition {
    pub(super) kinds: HashMap<String, String>,
    pub(super) samples: HashMap<(String, Labels), f64>,
}

impl Exposition {
    pub(super) fn read(text: &str) -> Self {
        let mut out = Self::default();
        let body = text.strip_suffix("# EOF\n").expect("ends with EOF");
        let mut family = String::new();
        for line in body.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert!(out.kinds.insert(name.to_owned(), kind.to_owned()).is_none(), "{name} twice");
                name.clone_into(&mut family);
            } else if let Some(rest) = line.strip_prefix("# HELP ") {
                assert!(rest.split_once(' ').is_some_and(|(_, help)| !help.is_empty()), "{line}");
            } else {
                out.sample(&family, line);
            }
        }
        out.check_histograms();
        out
    }

    fn sample(&mut self, family: &str, line: &str) {
        let (name, labels, value) = match line.split_once('{') {
            Some((name, rest)) => {
                let (labels, rest) = read_labels(rest);
                (name, labels, rest)
            }
            None => {
                let (name, value) = line.split_once(' ').unwrap();
                (name, Labels::new(), value)
            }
        };
        let suffixes: &[&str] = match self.kinds.get(family).map(String::as_str) {
            Some("counter") => &["_total"],
            Some("histogram") => &["_bucket", "_sum", "_count"],
            Some("gauge") => &[""],
            other => panic!("{line}: kind {other:?}"),
        };
        assert!(suffixes.iter().any(|s| name.strip_prefix(family) == Some(s)), "{line} within {family}");
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'), "{name}");
        let value: f64 = value.trim().parse().unwrap_or_else(|_| panic!("{line}"));
        let old = self.samples.insert((name.to_owned(), labels), value);
        assert!(old.is_none(), "a series twice: {line}");
    }

    fn check_histograms(&self) {
        for (name, _) in self.kinds.iter().filter(|(_, kind)| *kind == "histogram") {
            let counts = self.samples.iter().filter(|((n, _), _)| *n == format!("{name}_count"));
            for ((_, labels), count) in counts {
                let mut buckets: Vec<(f64, f64)> = self
                    .samples
                    .iter()
                    .filter(|((n, l), _)| {
                        *n == format!("{name}_bucket") && labels.iter().all(|(k, v)| l.get(k) == Some(v))
                    })
                    .map(|((_, l), v)| (l["le"].replace("+Inf", "inf").parse().unwrap(), *v))
                    .collect();
                buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
                assert!(buckets.windows(2).all(|w| w[0].1 <= w[1].1), "{name}: buckets only grow");
                assert_eq!(buckets.last().map(|b| (b.0.is_infinite(), b.1)), Some((true, *count)), "{name}");
                assert!(self.samples.contains_key(&(format!("{name}_sum"), labels.clone())));
            }
        }
    }

    /// The only sample of a name.
    pub(super) fn one(&self, name: &str) -> (&Labels, f64) {
        let mut all = self.samples.iter().filter(|((n, _), _)| n == name);
        let ((_, labels), value) = all.next().unwrap_or_else(|| panic!("no {name}"));
        assert!(all.next().is_none(), "several {name}");
        (labels, *value)
    }

    /// The sample of a name whose labels have these values, if there is one.
    pub(super) fn with(&self, name: &str, want: &[(&str, &str)]) -> Option<f64> {
        let fits = |labels: &Labels| want.iter().all(|(label, value)| labels.get(*label).is_some_and(|v| v == value));
        let mut all = self.samples.iter().filter(|((n, labels), _)| n == name && fits(labels));
        let found = all.next().map(|(_, value)| *value);
        assert!(all.next().is_none(), "several {name} {want:?}");
        found
    }

    /// The values that a label has.
    pub(super) fn values(&self, label: &str) -> HashSet<&str> {
        self.samples.keys().filter_map(|(_, labels)| labels.get(label).map(String::as_str)).collect()
    }

    pub(super) fn names(&self) -> HashSet<&str> {
        self.samples.keys().map(|(n, _)| n.as_str()).collect()
    }
}

/// Reads `a="b",c="d"} value` with escapes; the labels and what follows them.
fn read_labels(text: &str) -> (Labels, &str) {
    let (mut labels, mut rest) = (Labels::new(), text);
    loop {
        if let Some(end) = rest.strip_prefix('}') {
            return (labels, end);
        }
        let (key, after) = rest.split_once("=\"").unwrap();
        let (mut value, mut escaped, mut end) = (String::new(), false, None);
        for (at, c) in after.char_indices() {
            match (escaped, c) {
                (true, 'n') => value.push('\n'),
                (true, '"' | '\\') => value.push(c),
                (true, other) => panic!("\\{other} is no escape"),
                (false, '\\') => {}
                (false, '"') => {
                    end = Some(at);
                    break;
                }
                (false, '\n') => panic!("a bare line break"),
                (false, _) => value.push(c),
            }
            escaped = !escaped && c == '\\';
        }
        assert!(labels.insert(key.to_owned(), value).is_none(), "label {key} twice");
        rest = after[end.unwrap() + 1..].trim_start_matches(',');
    }
}
