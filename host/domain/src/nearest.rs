//! Finds the known name that a misspelt one was probably meant to be.

/// The known name that is most like the given one, or `None` if none is near.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Names are short: a longer one is no slip, and comparing it would cost its length.
    if name.len() > 64 {
        return None;
    }
    let limit = 1 + name.len() / 4;
    let distance = |known: &str| if is_beginning(name, known) { 1 } else { edits(name, known) };
    let distances = known.into_iter().map(|known| (distance(known), known));
    distances.filter(|(distance, _)| *distance <= limit).min_by_key(|(distance, _)| *distance).map(|(_, known)| known)
}

/// Whether one text begins with the other: a unit was left out or added.
fn is_beginning(a: &str, b: &str) -> bool {
    a.len().min(b.len()) > 1 && (a.starts_with(b) || b.starts_with(a))
}

/// How many characters must be inserted, deleted or replaced to make one text the other (Levenshtein).
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
