//! Attribute paths and filters, as RFC 7644 (3.4.2.2 and 3.5.2) writes them and as identity providers do.

use llm_types::Json;

use super::fault::Fault;

/// The schema of users.
pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The schema of groups.
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// The enterprise extension of users.
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// Longest path or filter, in bytes.
const LONGEST: usize = 4096;
/// Deepest nesting of a filter.
const DEEPEST: usize = 16;

/// One step of a path: an attribute, and which of its values are meant.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) filter: Option<Filter>,
}

/// What has to hold for a resource or for one value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    /// A value of the attribute compares so.
    Test(Vec<String>, Op, Json),
    /// One value of the attribute fits the filter.
    Has(Vec<String>, Box<Filter>),
}

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Equal,
    NotEqual,
    Contains,
    Starts,
    Ends,
    Present,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Op {
    fn parse(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "eq" => Self::Equal,
            "ne" => Self::NotEqual,
            "co" => Self::Contains,
            "sw" => Self::Starts,
            "ew" => Self::Ends,
            "pr" => Self::Present,
            "gt" => Self::Greater,
            "ge" => Self::GreaterOrEqual,
            "lt" => Self::Less,
            "le" => Self::LessOrEqual,
            _ => return None,
        })
    }
}

/// Reads the path of a PATCH operation.
///
/// # Errors
/// `invalidPath`.
pub(crate) fn path(text: &str) -> Result<Vec<Step>, Fault> {
    let wrong = || Fault::path(text);
    let mut tokens = Tokens::of(text).map_err(|()| wrong())?;
    let mut steps: Vec<Step> = Vec::new();
    while let Some(token) = tokens.next() {
        match token {
            Token::Word(word) => {
                let word = if steps.is_empty() { word.as_str() } else { word.strip_prefix('.').ok_or_else(wrong)? };
                steps.extend(names(word).ok_or_else(wrong)?.into_iter().map(|name| Step { name, filter: None }));
            }
            Token::Open('[') => {
                let filter = tokens.any(0).map_err(|()| wrong())?;
                let last = steps.last_mut().filter(|step| step.filter.is_none()).ok_or_else(wrong)?;
                last.filter = Some(filter);
                tokens.expect(&Token::Close(']')).map_err(|()| wrong())?;
            }
            _ => return Err(wrong()),
        }
    }
    if steps.is_empty() { Err(wrong()) } else { Ok(steps) }
}

/// Reads the filter of a query.
///
/// # Errors
/// `invalidFilter`.
pub(crate) fn filter(text: &str) -> Result<Filter, Fault> {
    let read = || {
        let mut tokens = Tokens::of(text)?;
        let filter = tokens.any(0)?;
        if tokens.next().is_some() { Err(()) } else { Ok(filter) }
    };
    read().map_err(|()| Fault::filter(text))
}

/// The names of a path without filters: the dots of a schema's URN separate nothing.
fn names(word: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut rest = word;
    let starts = |urn: &str| word.get(..urn.len()).is_some_and(|head| head.eq_ignore_ascii_case(urn));
    if let Some(urn) = [ENTERPRISE, USER, GROUP].into_iter().find(|urn| starts(urn)) {
        if urn == ENTERPRISE {
            names.push(ENTERPRISE.to_owned());
        }
        rest = word.get(urn.len()..).unwrap_or_default();
        rest = rest.strip_prefix([':', '.']).unwrap_or(rest);
    } else if starts("urn:") {
        let (urn, attribute) = word.rsplit_once(':')?;
        names.push(urn.to_owned());
        rest = attribute;
    }
    if !rest.is_empty() {
        names.extend(rest.split('.').map(str::to_owned));
    }
    let fine = !names.is_empty() && names.len() <= 6 && names.iter().all(|name| !name.is_empty());
    fine.then_some(names)
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Open(char),
    Close(char),
}

/// The words of a filter, the next one last.
struct Tokens(Vec<Token>);

impl Tokens {
    fn of(text: &str) -> Result<Self, ()> {
        if text.len() > LONGEST {
            return Err(());
        }
        let mut out = Vec::new();
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                c if c.is_whitespace() => {}
                '(' | '[' => out.push(Token::Open(c)),
                ')' | ']' => out.push(Token::Close(c)),
                '"' | '\'' => {
                    let mut escaped = false;
                    let end = chars.by_ref().find(|(_, next)| {
                        let ends = *next == c && !escaped;
                        escaped = *next == '\\' && !escaped;
                        ends
                    });
                    let (end, _) = end.ok_or(())?;
                    let inner = text.get(at + 1..end).ok_or(())?;
                    let read = serde_json::from_str(&format!("\"{inner}\""));
                    out.push(Token::Text(read.unwrap_or_else(|_| inner.to_owned())));
                }
                _ => {
                    let mut end = at + c.len_utf8();
                    while let Some((next, c)) = chars.next_if(|(_, c)| !c.is_whitespace() && !"()[]\"".contains(*c)) {
                        end = next + c.len_utf8();
                    }
                    out.push(Token::Word(text.get(at..end).ok_or(())?.to_owned()));
                }
            }
        }
        out.reverse();
        Ok(Self(out))
    }

    fn next(&mut self) -> Option<Token> {
        self.0.pop()
    }

    fn expect(&mut self, wanted: &Token) -> Result<(), ()> {
        if self.next().as_ref() == Some(wanted) { Ok(()) } else { Err(()) }
    }

    fn takes(&mut self, word: &str) -> bool {
        let there = matches!(self.0.last(), Some(Token::Word(next)) if next.eq_ignore_ascii_case(word));
        if there {
            self.0.pop();
        }
        there
    }

    fn any(&mut self, depth: usize) -> Result<Filter, ()> {
        if depth > DEEPEST {
            return Err(());
        }
        let mut parts = vec![self.all(depth)?];
        while self.takes("or") {
            parts.push(self.all(depth)?);
        }
        Ok(single(parts).unwrap_or_else(Filter::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Filter, ()> {
        let mut parts = vec![self.one(depth)?];
        while self.takes("and") {
            parts.push(self.one(depth)?);
        }
        Ok(single(parts).unwrap_or_else(Filter::All))
    }

    fn one(&mut self, depth: usize) -> Result<Filter, ()> {
        if self.takes("not") {
            self.expect(&Token::Open('('))?;
            let inner = self.any(depth + 1)?;
            self.expect(&Token::Close(')'))?;
            return Ok(Filter::Not(Box::new(inner)));
        }
        let name = match self.next().ok_or(())? {
            Token::Open('(') => {
                let inner = self.any(depth + 1)?;
                self.expect(&Token::Close(')'))?;
                return Ok(inner);
            }
            Token::Word(word) => names(&word).ok_or(())?,
            _ => return Err(()),
        };
        if self.0.last() == Some(&Token::Open('[')) {
            self.0.pop();
            let inner = self.any(depth + 1)?;
            self.expect(&Token::Close(']'))?;
            return Ok(Filter::Has(name, Box::new(inner)));
        }
        let Some(Token::Word(op)) = self.next() else { return Err(()) };
        let op = Op::parse(&op).ok_or(())?;
        let value = match op {
            Op::Present => Json::Null,
            _ => match self.next().ok_or(())? {
                Token::Text(text) => Json::from(text),
                // true, false, null and numbers; other words as they are, which some clients forget to quote.
                Token::Word(word) => {
                    serde_json::from_str(&word.to_ascii_lowercase()).unwrap_or_else(|_| Json::from(word))
                }
                _ => return Err(()),
            },
        };
        Ok(Filter::Test(name, op, value))
    }
}

/// The only part, or all of them.
fn single(mut parts: Vec<Filter>) -> Result<Filter, Vec<Filter>> {
    match parts.pop() {
        Some(only) if parts.is_empty() => Ok(only),
        Some(last) => {
            parts.push(last);
            Err(parts)
        }
        None => Err(parts),
    }
}
