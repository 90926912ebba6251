//! `plugin rollback NAME`: back to the last good version; `--clear` ends that.

use crate::{
    cli::{ConfigFolder, listing},
    control::Request,
};

#[derive(clap::Args)]
pub struct Args {
    /// The plugin's name under `plugins` in scanhost.yaml
    plugin: String,
    /// Take the configured file into use again, which was rolled back before
    #[arg(long)]
    clear: bool,
    #[command(flatten)]
    folder: ConfigFolder,
}

pub async fn run(args: Args, as_json: bool) -> anyhow::Result<()> {
    let Args { plugin, clear, folder } = args;
    let control = folder.control().await?;
    let request = if clear { Request::UseFile { plugin } } else { Request::RollBack { plugin } };
    let answer = control.ask(request).await;
    control.close().await;
    let answer = answer?;
    listing::one(as_json, &answer, || {
        let part = |name: &str| listing::text(&answer[name]);
        format!("{} is now generation {} with sha256 {}", part("name"), part("generation"), part("sha256"))
    })
}
