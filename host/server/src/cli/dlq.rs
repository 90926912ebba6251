//! `dlq`: shows, retries and purges dead letters.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::bail;
use clap::Subcommand;

use super::{config_folder::ConfigFolder, listing};
use crate::{
    app::Purpose,
    control::{Control, Request},
};

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    folder: ConfigFolder,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// List dead letters, oldest first.
    List {
        /// Only dead letters of this pool
        #[arg(long)]
        pool: Option<String>,
    },
    /// Show the status and the request of one dead letter, with secrets masked.
    Show { task_id: String },
    /// Run the scan again as a new scan.
    Retry { task_id: String },
    /// Remove one dead letter, those of a pool, or all. The records of the scans stay.
    Purge {
        task_id: Option<String>,
        /// Only dead letters of this pool
        #[arg(long, conflicts_with = "task_id")]
        pool: Option<String>,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    if let Command::Purge { yes: false, .. } = &args.command {
        confirm()?;
    }
    let control = Control::open(args.folder.load()?, Purpose::Administration).await?;
    let done = perform(&control, args.command, args.json).await;
    control.close().await;
    done
}

async fn perform(control: &Control, command: Command, as_json: bool) -> anyhow::Result<()> {
    match command {
        Command::List { pool } => {
            let answer = control.ask(Request::DeadLetters { pool }).await?;
            listing::rows(as_json, &answer["dead_letters"])
        }
        Command::Show { task_id } => {
            let answer = control.ask(Request::DeadLetter { task_id }).await?;
            // People read a whole record as JSON, too.
            listing::json(&answer)
        }
        Command::Retry { task_id } => {
            let answer = control.ask(Request::RetryDeadLetter { task_id }).await?;
            listing::one(as_json, &answer, || format!("submitted again as scan {}", listing::text(&answer["task_id"])))
        }
        Command::Purge { task_id, pool, .. } => {
            let answer = control.ask(Request::PurgeDeadLetters { task_id, pool }).await?;
            listing::one(as_json, &answer, || format!("{} dead letters removed", answer["purged"]))
        }
    }
}

/// Asks for confirmation. Without a terminal the answer is no.
fn confirm() -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() {
        bail!("purging without a terminal needs --yes");
    }
    eprint!("Remove these dead letters? [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if answer.trim().eq_ignore_ascii_case("y") { Ok(()) } else { bail!("nothing was removed") }
}
