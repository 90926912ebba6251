//! `dlq`: shows, retries and purges dead letters.

use anyhow::bail;
use clap::Subcommand;
use serde_json::Value as Json;

use super::{config_folder::ConfigFolder, confirm::confirm, listing};
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
    /// Run one scan again as a new scan, or all scans of a pool or with an error code: name a task id, --pool, --code or
    /// --all.
    Retry {
        #[arg(required_unless_present_any = ["pool", "code", "all"])]
        task_id: Option<String>,
        /// Only dead letters of this pool
        #[arg(long, conflicts_with = "task_id")]
        pool: Option<String>,
        /// Only dead letters with this error code, as `list` shows it
        #[arg(long, conflicts_with = "task_id")]
        code: Option<String>,
        /// All dead letters
        #[arg(long, conflicts_with_all = ["task_id", "pool", "code"])]
        all: bool,
    },
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
        confirm("Remove these dead letters?", "nothing was removed")?;
    }
    let purpose = match &args.command {
        Command::List { .. } | Command::Show { .. } => Purpose::Looking,
        Command::Retry { .. } | Command::Purge { .. } => Purpose::Administration,
    };
    let control = Control::open(args.folder.load_for_command()?, purpose).await?;
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
        Command::Retry { task_id: None, pool, code, .. } => {
            let answer = control.ask(Request::RetryDeadLetters { pool, code }).await?;
            let count = |name: &str| answer[name].as_array().map_or(0, Vec::len);
            let refused = count("refused");
            listing::one(as_json, &answer, || {
                let line = |retry: &Json| {
                    format!(
                        "{} submitted again as scan {}",
                        listing::text(&retry["retry_of"]),
                        listing::text(&retry["task_id"])
                    )
                };
                let lines: Vec<String> = answer["retried"].as_array().into_iter().flatten().map(line).collect();
                if lines.is_empty() { "no dead letter was retried".to_owned() } else { lines.join("\n") }
            })?;
            for refusal in answer["refused"].as_array().into_iter().flatten().filter(|_| !as_json) {
                eprintln!("{}: {}", listing::text(&refusal["task_id"]), listing::text(&refusal["reason"]));
            }
            if refused > 0 { bail!("{refused} dead letters could not be retried") } else { Ok(()) }
        }
        Command::Retry { task_id: Some(task_id), .. } => {
            let answer = control.ask(Request::RetryDeadLetter { task_id }).await?;
            listing::one(as_json, &answer, || format!("submitted again as scan {}", listing::text(&answer["task_id"])))
        }
        Command::Purge { task_id, pool, .. } => {
            let answer = control.ask(Request::PurgeDeadLetters { task_id, pool }).await?;
            listing::one(as_json, &answer, || format!("{} dead letters removed", answer["purged"]))
        }
    }
}
