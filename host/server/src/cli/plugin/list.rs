//! `plugin list`: lists the versions in use, and plugins that are not loaded.

use scanhost_app::{plugin_list, plugins::Kept};
use scanhost_sandbox::Sandbox;

use super::note_no_host;
use crate::{
    app,
    cli::{compiled, config_folder::ConfigFolder, listing},
    control::Request,
};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    folder: ConfigFolder,
}

pub async fn run(args: Args, as_json: bool) -> anyhow::Result<()> {
    if let Some(control) = args.folder.running().await {
        return listing::rows(as_json, &control.ask(Request::Plugins).await?);
    }
    let config = args.folder.load()?;
    let kept = Kept::new(&config.data);
    let (snapshot, problems) = app::what_loads(&Sandbox::start(compiled::folder())?, config).await?;
    let ledger = kept.ledger().map_err(anyhow::Error::msg)?;
    note_no_host();
    listing::rows(as_json, &plugin_list::listed_unserved(&snapshot, &problems, &ledger))
}
