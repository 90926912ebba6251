//! `plugin list`: every version in use, and what is not.

use crate::{
    cli::{ConfigFolder, listing},
    control::Request,
};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    folder: ConfigFolder,
}

pub async fn run(args: Args, as_json: bool) -> anyhow::Result<()> {
    let control = args.folder.control().await?;
    let listed = control.ask(Request::Plugins).await;
    control.close().await;
    listing::rows(as_json, &listed?)
}
