//! `config check`: everything is loaded and checked, nothing is started.

use anyhow::{Context as _, bail};
use scanhost_sandbox::Sandbox;
use serde_json::{Value as Json, json};

use super::{ConfigFolder, compiled, listing};
use crate::{
    app,
    scanners::{self, Unfit},
};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    folder: ConfigFolder,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    match check(&args.folder).await {
        Ok(found) => listing::one(args.json, &found, || {
            format!(
                "ok: {} pools, {} scanners, {} profiles, {} backends",
                found["pools"], found["scanners"], found["profiles"], found["backends"]
            )
        }),
        Err(error) if args.json => {
            let text = format!("{error:#}");
            let problems: Vec<&str> = text.lines().collect();
            listing::one(true, &json!({ "ok": false, "problems": problems }), String::new)?;
            bail!("the configuration cannot be used")
        }
        Err(error) => Err(error),
    }
}

/// How much of everything there is; else every problem, one a line.
async fn check(folder: &ConfigFolder) -> anyhow::Result<Json> {
    let config = folder.load()?;
    let sandbox = Sandbox::start(compiled::folder()).context("the plugin engine cannot be started")?;
    let snapshot = app::build_snapshot(&sandbox, config).await?;
    let mut problems = Vec::new();
    for scanner in &snapshot.scanners {
        if let Err(Unfit::Mistake(problem) | Unfit::Outage(problem)) = scanners::check_local(scanner).await {
            problems.push(format!("scanners.yaml: {}.{}: {problem}", scanner.id.pool, scanner.id.instance));
        }
    }
    if !problems.is_empty() {
        bail!("{}", problems.join("\n"));
    }
    Ok(json!({
        "ok": true, "pools": snapshot.config.pools.len(), "scanners": snapshot.scanners.len(),
        "profiles": snapshot.profiles.len(), "backends": snapshot.backends.len(),
    }))
}
