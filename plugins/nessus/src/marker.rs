//! How a scan of ours is known at the scanner: its name ends in the installation of the host and the task id.
//! It has to be the name, because the list of scans holds no descriptions.

#[cfg(test)]
mod tests;

/// Characters of the agent's name that are kept, so that no limit of the scanner's can cut off the marker.
const NAME_LENGTH: usize = 180;

/// The scan's name at the scanner, such as `Weekly audit [scanhost 0123456789abcdef 01J…]`.
pub fn mark(name: &str, installation: &str, task_id: &str) -> String {
    let name: String = name.trim().chars().take(NAME_LENGTH).collect();
    format!("{name} [scanhost {installation} {task_id}]").trim_start().to_owned()
}

/// The task that a scan of this installation is for. Only the end counts: what an agent writes comes before it.
pub fn task_of<'a>(name: &'a str, installation: &str) -> Option<&'a str> {
    let (_, marker) = name.trim_end().strip_suffix(']')?.rsplit_once("[scanhost ")?;
    let (made_by, task_id) = marker.split_once(' ')?;
    (made_by == installation && !task_id.is_empty()).then_some(task_id)
}
