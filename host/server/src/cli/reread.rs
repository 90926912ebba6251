//! `reread`: reads a kept report again.

use super::{config_folder::ConfigFolder, listing};
use crate::{
    app::Purpose,
    control::{Control, Request},
};

#[derive(clap::Args)]
pub struct Args {
    /// The ended scan whose report was kept
    task_id: String,
    #[command(flatten)]
    folder: ConfigFolder,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let control = Control::open(args.folder.load_for_command()?, Purpose::Administration).await?;
    let answer = control.ask(Request::Reread { task_id: args.task_id }).await;
    control.close().await;
    let answer = answer?;
    let task_id = listing::text(&answer["task_id"]);
    listing::one(args.json, &answer, || format!("the report is read again as scan {task_id}"))
}
