//! The format of AWS's shared files: sections of `key = value`.

use std::collections::HashMap;

/// The keys of a section, in lower case.
pub(super) type Section = HashMap<String, String>;

/// Reads every section; a section that comes twice is one. Lines that are indented belong to the value above them
/// (settings of single services) and mean nothing here. What makes no sense is passed over, as AWS's tools do.
pub(super) fn parse(text: &str) -> HashMap<String, Section> {
    let mut sections: HashMap<String, Section> = HashMap::new();
    let mut current = None;
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(name, _)| name) {
            let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
            sections.entry(name.clone()).or_default();
            current = Some(name);
            continue;
        }
        if line.starts_with([' ', '\t']) {
            continue;
        }
        let section = current.as_ref().and_then(|name| sections.get_mut(name));
        if let (Some(section), Some((key, value))) = (section, trimmed.split_once('=')) {
            let value = value.split_once(" #").map_or(value, |(before, _)| before);
            let value = value.split_once(" ;").map_or(value, |(before, _)| before);
            section.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_comments_and_nested_settings() {
        let text = "# c\nlost = 1\n[default]\nAWS_Access_Key_Id = id # mine\n[profile  dev]\r\nrole_arn=arn:a=b\ns3 =\n  max = 3\n; x\n[default]\nregion = eu\n";
        let sections = parse(text);
        assert_eq!(sections["default"]["aws_access_key_id"], "id");
        assert_eq!(sections["default"]["region"], "eu");
        assert_eq!(sections["profile dev"]["role_arn"], "arn:a=b");
        assert_eq!(sections["profile dev"].get("max"), None);
        assert_eq!(sections.len(), 2);
    }
}
