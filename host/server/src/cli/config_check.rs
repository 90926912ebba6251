//! `config check`: everything is loaded and checked, nothing is started.

use anyhow::{Context as _, bail};
use scanhost_sandbox::Sandbox;

use super::{ConfigFolder, compiled};
use crate::{app, scanners};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    folder: ConfigFolder,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let config = args.folder.load()?;
    let sandbox = Sandbox::start(compiled::folder()).context("the plugin engine cannot be started")?;
    let snapshot = app::build_snapshot(&sandbox, config).await?;
    let mut problems = Vec::new();
    for scanner in &snapshot.scanners {
        if let Err(problem) = scanners::check_local(scanner).await {
            problems.push(format!("scanners.yaml: {}.{}: {problem}", scanner.id.pool, scanner.id.instance));
        }
    }
    if !problems.is_empty() {
        bail!("{}", problems.join("\n"));
    }
    let scanners = snapshot.scanners.len();
    println!(
        "ok: {} pools, {scanners} scanners, {} profiles, {} backends",
        snapshot.config.pools.len(),
        snapshot.profiles.len(),
        snapshot.backends.len()
    );
    Ok(())
}
