//! The marker by which a scan of this host is recognised at the scanner: its name ends in the installation of the host
//! and the task id. The marker has to be in the name, because the list of scans has no descriptions.

#[cfg(test)]
mod tests;

/// How many characters of the agent's name are kept, so that no limit of the scanner cuts off the marker.
const NAME_LENGTH: usize = 180;

/// Returns the scan's name at the scanner, such as `Weekly audit [scanhost 0123456789abcdef 01J…]`.
pub fn mark(name: &str, installation: &str, task_id: &str) -> String {
    let name: String = name.trim().chars().take(NAME_LENGTH).collect();
    format!("{name} [scanhost {installation} {task_id}]").trim_start().to_owned()
}

/// Returns the task id in a name that this installation marked. Only the end counts: an agent's text comes before it.
pub fn task_of<'a>(name: &'a str, installation: &str) -> Option<&'a str> {
    let (_, marker) = name.trim_end().strip_suffix(']')?.rsplit_once("[scanhost ")?;
    let (made_by, task_id) = marker.split_once(' ')?;
    (made_by == installation && !task_id.is_empty()).then_some(task_id)
}
