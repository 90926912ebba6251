//! `${NAME}` and `${NAME:-default}` inside a value. `$${` is a literal `${`; a `$` without a brace is just a `$`.
//! The value of a variable is text; it is never expanded again and never read as YAML.

use zeroize::Zeroizing;

pub(super) type Environment<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// How deep references in defaults may be nested.
const MAX_DEPTH: usize = 8;

/// The text with its references filled in; `None` if it has no reference.
///
/// # Errors
/// The errors are all problems of the references.
pub(super) fn expand(text: &str, environment: &Environment<'_>) -> Result<Option<Zeroizing<String>>, Vec<String>> {
    if !text.contains("${") {
        return Ok(None);
    }
    let mut expansion = Expansion { environment, text: Zeroizing::new(String::new()), problems: Vec::new() };
    expansion.expand(text, 0);
    if expansion.problems.is_empty() { Ok(Some(expansion.text)) } else { Err(expansion.problems) }
}

struct Expansion<'a> {
    environment: &'a Environment<'a>,
    text: Zeroizing<String>,
    problems: Vec<String>,
}

impl Expansion<'_> {
    fn expand(&mut self, mut rest: &str, depth: usize) {
        if depth > MAX_DEPTH {
            return self.problems.push(format!("defaults of variables are nested more than {MAX_DEPTH} deep"));
        }
        while let Some(at) = rest.find("${") {
            let (before, reference) = (&rest[..at], &rest[at + 2..]);
            if let Some(before) = before.strip_suffix('$') {
                self.text.push_str(before);
                self.text.push_str("${");
                rest = reference;
                continue;
            }
            self.text.push_str(before);
            let Some(end) = closing_brace(reference) else {
                return self.problems.push("`${` has no closing `}` (a literal `${` is written `$${`)".to_owned());
            };
            self.substitute(&reference[..end], depth);
            rest = &reference[end + 1..];
        }
        self.text.push_str(rest);
    }

    fn substitute(&mut self, reference: &str, depth: usize) {
        let (name, default) = match reference.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (reference, None),
        };
        if !is_variable_name(name) {
            return self
                .problems
                .push("`${…}` must be `${NAME}` or `${NAME:-default}` (a literal `${` is written `$${`)".to_owned());
        }
        match ((self.environment)(name).map(Zeroizing::new), default) {
            // As in a shell, an empty variable gives way to a default.
            (Some(value), None) => self.text.push_str(&value),
            (Some(value), Some(_)) if !value.is_empty() => self.text.push_str(&value),
            (_, Some(default)) => self.expand(default, depth + 1),
            (None, None) => self.problems.push(format!("the environment variable {name} is not set")),
        }
    }
}

/// The position of the brace that closes a reference, after any references inside it.
fn closing_brace(reference: &str) -> Option<usize> {
    let mut open = 0usize;
    for (at, byte) in reference.bytes().enumerate() {
        match byte {
            b'{' if reference[..at].ends_with('$') => open += 1,
            b'}' if open == 0 => return Some(at),
            b'}' => open -= 1,
            _ => {}
        }
    }
    None
}

fn is_variable_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
