//! YAML text to a tree with places. Events come from the parser below serde-saphyr; values are PyYAML's.

use std::collections::HashMap;
use std::sync::Arc;

use llm_types::Json;
use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

use super::node::{Entry, Node, Value, set};
use super::problem::{Mark, Problems, Severity};
use super::scalar;

/// Nodes that aliases may add: more is an attack, or a mistake.
const MAX_ALIASED: usize = 200_000;

/// Reads a YAML document.
///
/// Nothing comes back when the text is no YAML; the problem says where. An empty document is null.
pub(crate) fn parse(text: &str, file: &Arc<str>, problems: &Problems) -> Option<Node> {
    let mut reader = Reader {
        // Long blocks of comments are normal in configurations; buffering them has a limit.
        events: Parser::new_from_str_with_options(
            text.strip_prefix('\u{feff}').unwrap_or(text),
            serde_saphyr::granit_parser::options! { emit_comments: false },
        ),
        file: Arc::clone(file),
        problems,
        anchors: HashMap::new(),
        aliased: 0,
    };
    match reader.document() {
        Ok(node) => Some(node),
        Err(Stop::Scan(e)) => {
            let mark =
                Mark { file: Arc::clone(file), line: count(e.marker().line()), column: count(e.marker().col() + 1) };
            problems.error(&mark, "", format!("not valid YAML: {}", e.info()));
            None
        }
        Err(Stop::Said) => None,
    }
}

/// A YAML text of its own, as JSON.
///
/// # Errors
/// What is wrong with it, for people.
pub(crate) fn json(text: &str) -> Result<Json, String> {
    let problems = Problems::default();
    let root = parse(text, &Arc::from("the head"), &problems);
    let found = problems.into_list().into_iter().find(|problem| problem.severity == Severity::Error);
    match (root, found) {
        (Some(root), None) => Ok(root.json()),
        (_, Some(problem)) => Err(format!("line {}: {}", problem.mark.line, problem.message)),
        (None, None) => Err("it is no YAML".to_owned()),
    }
}

struct Reader<'a> {
    events: Parser<'a, serde_saphyr::granit_parser::StrInput<'a>>,
    file: Arc<str>,
    problems: &'a Problems,
    anchors: HashMap<usize, Node>,
    aliased: usize,
}

enum Stop {
    Scan(Box<ScanError>),
    /// The problem is already in the list.
    Said,
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

impl<'a> Reader<'a> {
    fn mark(&self, span: &Span) -> Mark {
        Mark { file: Arc::clone(&self.file), line: count(span.start.line()), column: count(span.start.col() + 1) }
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Stop> {
        match self.events.next() {
            Some(Ok(event)) => Ok(event),
            Some(Err(e)) => Err(Stop::Scan(Box::new(e))),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn stop<T>(&self, mark: &Mark, message: impl Into<String>) -> Result<T, Stop> {
        self.problems.error(mark, "", message);
        Err(Stop::Said)
    }

    fn document(&mut self) -> Result<Node, Stop> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                _ if root.is_some() => {
                    return self.stop(&self.mark(&span), "a second document in the file: only one is read");
                }
                event => root = Some(self.node(event, &span)?),
            }
        }
        Ok(root.unwrap_or_else(|| Node::new(Value::Null, Mark { file: Arc::clone(&self.file), line: 1, column: 1 })))
    }

    fn node(&mut self, event: Event<'a>, span: &Span) -> Result<Node, Stop> {
        let mark = self.mark(span);
        let (anchor, node) = match event {
            Event::Scalar(text, style, anchor, tag) => (anchor, self.scalar(&text, style, tag.as_deref(), mark)?),
            Event::SequenceStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), "seq", &mark)?;
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => items.push(self.node(event, &span)?),
                    }
                }
                (anchor, Node::new(Value::List(items), mark))
            }
            Event::MappingStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), "map", &mark)?;
                let entries = self.map()?;
                (anchor, Node::new(Value::Map(entries), mark))
            }
            Event::Alias(id) => return self.alias(id, &mark),
            _ => return self.stop(&mark, "this is no value"),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn alias(&mut self, id: usize, mark: &Mark) -> Result<Node, Stop> {
        let Some(node) = self.anchors.get(&id).cloned() else {
            return self.stop(mark, "the alias stands inside what it names");
        };
        self.aliased += node.size();
        if self.aliased > MAX_ALIASED {
            return self.stop(mark, "aliases make this configuration too large");
        }
        Ok(node)
    }

    fn map(&mut self) -> Result<Vec<Entry>, Stop> {
        let mut merged: Vec<Entry> = Vec::new();
        let mut own: Vec<Entry> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            let mark = self.mark(&span);
            let (key, plain) = match event {
                Event::MappingEnd => break,
                Event::Scalar(text, style, _, None) => (text.into_owned(), style == ScalarStyle::Plain),
                Event::Scalar(text, ..) => (text.into_owned(), false),
                Event::Alias(id) => match self.alias(id, &mark)?.value {
                    Value::Text(text) => (text, false),
                    _ => return self.stop(&mark, "keys must be texts"),
                },
                _ => return self.stop(&mark, "keys must be texts"),
            };
            let (event, span) = self.next()?;
            let node = self.node(event, &span)?;
            if plain && key == "<<" {
                self.merge(&mut merged, node)?;
                continue;
            }
            if plain && matches!(scalar::plain(&key).value, Value::Bool(_)) {
                self.problems.warn_hint(
                    &mark,
                    &key,
                    "YAML 1.1 reads this key as true or false; it is taken as a text",
                    "put it in quotes",
                );
            }
            let entry = Entry { key, mark, node };
            let here = entry.clone();
            if let Some(old) = set(&mut own, entry) {
                self.problems.warn(
                    &here.mark,
                    &here.key,
                    format!("this key is here twice; the value of line {} is not used", old.mark.line),
                );
            }
        }
        if merged.is_empty() {
            return Ok(own);
        }
        for entry in own {
            set(&mut merged, entry);
        }
        Ok(merged)
    }

    /// `<<: *base` or `<<: [*a, *b]`: of several, the first that has a key wins.
    fn merge(&self, into: &mut Vec<Entry>, node: Node) -> Result<(), Stop> {
        let maps = match node.value {
            Value::List(maps) => maps,
            Value::Map(_) => vec![node],
            _ => return self.stop(&node.mark, "<< needs a map or a list of maps"),
        };
        for map in maps {
            let Value::Map(entries) = map.value else {
                return self.stop(&map.mark, "<< needs a map or a list of maps");
            };
            for entry in entries {
                if !into.iter().any(|e| e.key == entry.key) {
                    into.push(entry);
                }
            }
        }
        Ok(())
    }

    fn scalar(&self, text: &str, style: ScalarStyle, tag: Option<&Tag>, mark: Mark) -> Result<Node, Stop> {
        if let Some(tag) = tag {
            let value = self.tagged(text, tag, &mark)?;
            return Ok(Node::new(value, mark));
        }
        if style != ScalarStyle::Plain {
            return Ok(Node::new(Value::Text(text.to_owned()), mark));
        }
        let read = scalar::plain(text);
        if let Some(note) = read.note {
            self.problems.warn_hint(&mark, "", note, "write it in another way, or put it in quotes");
        }
        Ok(Node::new(read.value, mark))
    }

    fn tagged(&self, text: &str, tag: &Tag, mark: &Mark) -> Result<Value, Stop> {
        let read = scalar::plain(text).value;
        let name = core_tag(tag);
        match (name, read) {
            (Some("str"), _) => Ok(Value::Text(text.to_owned())),
            (None, _) if tag.handle() == "!" && tag.suffix().is_empty() => Ok(Value::Text(text.to_owned())),
            (Some("null"), v @ Value::Null) | (Some("bool"), v @ Value::Bool(_)) => Ok(v),
            (Some("int"), v @ Value::Int(_)) | (Some("float"), v @ Value::Float(_)) => Ok(v),
            (Some("float"), Value::Int(i)) => Ok(Value::Float(i as f64)),
            (Some("float"), _) if text.parse::<f64>().is_ok() => Ok(Value::Float(text.parse().unwrap_or_default())),
            (Some(name @ ("null" | "bool" | "int" | "float")), _) => self.stop(mark, format!("this is no {name}")),
            _ => self.unknown_tag(tag, mark),
        }
    }

    fn check_tag(&self, tag: Option<&Tag>, expected: &str, mark: &Mark) -> Result<(), Stop> {
        match tag {
            None => Ok(()),
            Some(tag) if core_tag(tag) == Some(expected) => Ok(()),
            Some(tag) => self.unknown_tag(tag, mark),
        }
    }

    fn unknown_tag<T>(&self, tag: &Tag, mark: &Mark) -> Result<T, Stop> {
        self.stop(mark, format!("the tag {}{} is not known", tag.handle(), tag.suffix()))
    }
}

fn core_tag(tag: &Tag) -> Option<&str> {
    match tag.handle() {
        "tag:yaml.org,2002:" | "!!" => Some(tag.suffix()),
        // Verbatim: !<tag:yaml.org,2002:str>
        "" => tag.suffix().strip_prefix("tag:yaml.org,2002:"),
        _ => None,
    }
}
