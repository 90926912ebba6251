//! Prompts: frequent requests of people, with the data that is needed to begin. One file per prompt.

mod compare_scans;
mod remediation_plan;
pub mod row;
mod subject;
mod triage_scan;

use scanhost_app::refusal::Refusal;

use row::PromptRow;

pub const PROMPTS: [PromptRow; 3] = [triage_scan::ROW, compare_scans::ROW, remediation_plan::ROW];

/// Finds the prompt of that name.
pub fn find(name: &str) -> Result<&'static PromptRow, Refusal> {
    static ROWS: [PromptRow; 3] = PROMPTS;
    ROWS.iter().find(|row| row.name == name).ok_or_else(|| {
        let names: Vec<_> = ROWS.iter().map(|row| row.name).collect();
        Refusal::invalid("there is no such prompt", format!("Prompts are: {}.", names.join(", ")))
    })
}
