//! `plugin test FILE`: runs the conformance kit, and prints its result as a table or JSON.

use std::path::{Path, PathBuf};

use anyhow::bail;
use scanhost_app::plugin_file;
use scanhost_conformance::{self as conformance, CaseReport, LoadFailure, Stop};
use scanhost_sandbox::Limits;
use serde_json::{Value as Json, json};

use crate::cli::{compiled, listing};

#[derive(clap::Args)]
pub struct Args {
    /// The component, a .wasm file
    file: PathBuf,
    /// YAML script of the scanner's answers [default: FILE with the ending `.script.yaml`, if it exists]
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Only cases whose name contains this text
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Memory limit of a call, as in `limits` in scanhost.yaml
    #[arg(long, value_name = "MIB", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=4096))]
    memory_mib: u32,
    /// CPU limit of a call, as in `limits` in scanhost.yaml
    #[arg(long, value_name = "MS", default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1..=600_000))]
    cpu_ms: u64,
}

pub async fn run(args: Args, as_json: bool) -> anyhow::Result<()> {
    let bytes = plugin_file::read(&args.file).map_err(anyhow::Error::msg)?;
    let script = args.script.or_else(|| beside(&args.file));
    let limits = Limits {
        cpu: std::time::Duration::from_millis(args.cpu_ms),
        memory: usize::try_from(args.memory_mib)? << 20,
        ..Limits::default()
    };
    let shown = args.file.display();
    let only = args.only.unwrap_or_default();
    let report = match conformance::test(&bytes, limits, script.as_deref(), &only, compiled::folder()).await? {
        Ok(report) => report,
        Err(LoadFailure { refused, stderr }) => {
            bail!("{shown}: {refused}{}", stderr.map(|words| format!("\n{words}")).unwrap_or_default())
        }
    };
    if report.results.is_empty() {
        bail!("no case for a {} has a name that contains {only:?}", report.kind);
    }
    let rows: Vec<Json> = report.results.iter().map(row).collect();
    let count = |wanted: &str| rows.iter().filter(|row| row["result"] == wanted).count();
    let (passed, failed, skipped) = (count("pass"), count("FAIL"), count("skip"));
    let script = script.map(|script| script.display().to_string());
    if as_json {
        let answer = json!({
            "ok": failed == 0, "file": shown.to_string(), "kind": report.kind, "script": script,
            "passed": passed, "failed": failed, "skipped": skipped, "cases": rows,
        });
        listing::json(&answer)?;
    } else {
        listing::table(&Json::from(report.results.iter().map(for_people).collect::<Vec<_>>()))?;
        println!("{passed} passed, {failed} failed, {skipped} skipped");
        if script.is_none() && report.kind == "backend" {
            println!("Only half of the cases are meaningful without a script of the scanner's answers: see --script.");
        }
    }
    if failed > 0 { bail!("{shown} failed {failed} of {} cases", passed + failed) } else { Ok(()) }
}

/// The script beside the component: `feed.script.yaml` for `feed.wasm`.
fn beside(file: &Path) -> Option<PathBuf> {
    let script = file.with_extension("script.yaml");
    script.is_file().then_some(script)
}

/// Shortens a plugin's text, which may be as long as its state.
fn short(text: &str) -> String {
    const LONGEST: usize = 300;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn row(case: &CaseReport) -> Json {
    let (result, note) = match &case.outcome {
        Ok(()) => ("pass", String::new()),
        Err(Stop::Skip(why)) => ("skip", why.clone()),
        Err(Stop::Fail(what)) => ("FAIL", format!("{}; {}", short(what), case.why)),
    };
    let mut row = json!({ "case": case.name, "result": result, "fuel": case.fuel, "note": note });
    if let (Err(Stop::Fail(_)), Some(words)) = (&case.outcome, &case.stderr) {
        row["stderr"] = json!(words);
    }
    row
}

/// The row for people, with the plugin's own output below the note.
fn for_people(case: &CaseReport) -> Json {
    let mut row = row(case);
    if let Some(words) = row.as_object_mut().and_then(|row| row.remove("stderr")) {
        row["note"] = json!(format!("{}\n{}", listing::text(&row["note"]), listing::text(&words)));
    }
    row
}
