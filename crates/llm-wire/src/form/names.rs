//! Which files may be uploaded, by the ends of their names.

use llm_types::{Error, Result};

/// Ends of names that are allowed and that are not, in lower case, with their dots. The default allows all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileNames {
    allowed: Option<Vec<String>>,
    blocked: Vec<String>,
}

impl FileNames {
    /// `allowed`: the only ends that a name may have; `blocked`: ends that it may not have. `.pdf` and `PDF` mean the same.
    #[must_use]
    pub fn new(allowed: Option<&[String]>, blocked: &[String]) -> Self {
        let all = |list: &[String]| list.iter().map(|end| dotted(end)).collect();
        Self { allowed: allowed.map(all), blocked: all(blocked) }
    }

    /// True when every name may pass.
    #[must_use]
    pub fn allows_all(&self) -> bool {
        self.allowed.is_none() && self.blocked.is_empty()
    }

    /// Judges the name of a file.
    ///
    /// # Errors
    /// 400 `invalid_request_error` with LiteLLM's words.
    pub fn check(&self, name: &str) -> Result<()> {
        let end = extension(name);
        let refuse = |why: String| {
            let why = format!("{why} The file was not forwarded to the provider.");
            Err(Error::bad_request(why).with_param("file"))
        };
        if self.allowed.as_ref().is_some_and(|allowed| end.is_empty() || !allowed.contains(&end)) {
            let what = if end.is_empty() {
                "A file without an extension".to_owned()
            } else {
                format!("File extension '{end}'")
            };
            return refuse(format!("{what} is not in this proxy's allowed_file_extensions setting."));
        }
        if !end.is_empty() && self.blocked.contains(&end) {
            return refuse(format!(
                "File extension '{end}' is blocked by this proxy's blocked_file_extensions setting."
            ));
        }
        Ok(())
    }
}

fn dotted(end: &str) -> String {
    let end = end.trim().to_ascii_lowercase();
    if end.starts_with('.') { end } else { format!(".{end}") }
}

/// `.pdf` of `a/b.PDF`; nothing of `.env` or `a`. White space and dots at the end do not hide an extension.
fn extension(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    let last = last.trim_end_matches(['.', ' ']).trim_start_matches('.');
    last.rsplit_once('.').map(|(_, end)| dotted(end)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_names() {
        let names = FileNames::new(Some(&["pdf".to_owned(), ".TXT".to_owned()]), &[".txt".to_owned()]);
        for (name, fine) in [
            ("a.pdf", true),
            ("a.PDF", true),
            ("dir.pdf/a", false),
            ("a.txt", false),
            ("a.pdf.exe", false),
            ("a", false),
            (".pdf", false),
        ] {
            assert_eq!(names.check(name).is_ok(), fine, "{name}");
        }
        let blocked = FileNames::new(None, &["exe".to_owned()]);
        assert!(blocked.check("a").is_ok() && blocked.check("exe").is_ok() && !blocked.allows_all());
        for name in ["a.exe", "C:\\b\\a.ExE", "a.exe.", "a.exe "] {
            assert!(blocked.check(name).is_err(), "{name}");
        }
        assert!(FileNames::default().allows_all());
    }
}
