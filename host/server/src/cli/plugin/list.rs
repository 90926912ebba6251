//! `plugin list`: lists the versions in use, and plugins that are not loaded.

use scanhost_app::{plugin_list, plugins::PluginArchive};
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
    let archive = PluginArchive::new(&config.data);
    let (snapshot, problems) = app::build_loadable(&Sandbox::start(compiled::folder())?, config).await?;
    let ledger = archive.ledger().map_err(anyhow::Error::msg)?;
    note_no_host();
    listing::rows(as_json, &plugin_list::list_without_server(&snapshot, &problems, &ledger))
}
