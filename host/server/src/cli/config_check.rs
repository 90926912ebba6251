//! `config check`: everything is loaded and checked, nothing is started.

use anyhow::Context as _;
use scanhost_sandbox::Sandbox;

use super::ConfigFolder;
use crate::app;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    folder: ConfigFolder,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let config = args.folder.load()?;
    let sandbox = Sandbox::start(None).context("the plugin engine cannot be started")?;
    let snapshot = app::build_snapshot(&sandbox, config).await?;
    let scanners = snapshot.scanners.len();
    println!(
        "ok: {} pools, {scanners} scanners, {} profiles, {} backends",
        snapshot.config.pools.len(),
        snapshot.profiles.len(),
        snapshot.backends.len()
    );
    Ok(())
}
