//! How a scan of ours is known at the scanner: its name ends in the task id.
//! It has to be the name, because the list of scans holds no descriptions.

#[cfg(test)]
mod tests;

/// Characters of the agent's name that are kept, so that no limit of the scanner's can cut off the marker.
const NAME_LENGTH: usize = 180;

/// The scan's name at the scanner, such as `Weekly audit [scanhost 01J…]`.
pub fn mark(name: &str, task_id: &str) -> String {
    let name: String = name.trim().chars().take(NAME_LENGTH).collect();
    format!("{name} {}", marker(task_id)).trim_start().to_owned()
}

/// Whether the name is of that task. Only the end counts: what an agent writes comes before it.
pub fn is_marked(name: &str, task_id: &str) -> bool {
    !task_id.is_empty() && name.trim_end().ends_with(&marker(task_id))
}

fn marker(task_id: &str) -> String {
    format!("[scanhost {task_id}]")
}
