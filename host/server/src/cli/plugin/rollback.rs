//! `plugin rollback NAME`: goes back to the last good version; `--clear` ends the rollback.

use serde_json::Value as Json;

use super::note_no_host;
use crate::{
    app::Purpose,
    cli::{config_folder::ConfigFolder, listing},
    control::{Control, Request},
};

#[derive(clap::Args)]
pub struct Args {
    /// The plugin's name under `plugins` in scanhost.yaml
    plugin: String,
    /// End the rollback and use the configured file again
    #[arg(long)]
    clear: bool,
    #[command(flatten)]
    folder: ConfigFolder,
}

pub async fn run(args: Args, as_json: bool) -> anyhow::Result<()> {
    let Args { plugin, clear, folder } = args;
    let control = match folder.running().await {
        Some(running) => running,
        None => Control::open(folder.load_for_command()?, Purpose::Administration).await?,
    };
    let request = if clear { Request::UseFile { plugin } } else { Request::RollBack { plugin } };
    let answer = control.ask(request).await;
    let is_served = matches!(control, Control::Other(_));
    control.close().await;
    let mut answer = answer?;
    if !is_served {
        answer["generation"] = Json::Null;
        note_no_host();
    }
    listing::one(as_json, &answer, || {
        let part = |name: &str| listing::text(&answer[name]);
        let generation = if is_served { format!("generation {} with ", part("generation")) } else { String::new() };
        format!("{} is now {generation}sha256 {}", part("name"), part("sha256"))
    })
}
