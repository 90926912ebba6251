//! `queue`: shows the pools and their queues; `queue pause` and `queue resume`.

use std::{io::IsTerminal as _, time::Duration};

use clap::Subcommand;
use serde_json::{Value as Json, json};

use super::{config_folder::ConfigFolder, listing};
use crate::{
    app::Purpose,
    control::{Control, Request},
};

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Show the pools again every so many seconds
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "2", value_parser = seconds)]
    watch: Option<Duration>,
    #[command(flatten)]
    folder: ConfigFolder,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Start no new scans in this pool; running scans continue.
    Pause {
        /// The pool's name
        pool: String,
    },
    /// Start scans of this pool again.
    Resume {
        /// The pool's name
        pool: String,
    },
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let purpose = if args.command.is_none() { Purpose::Looking } else { Purpose::Administration };
    let control = Control::open(args.folder.load_for_command()?, purpose).await?;
    let done = match args.command {
        None => match args.watch {
            None => show(&control, args.json).await,
            Some(pause) => watch(&control, pause, args.json).await,
        },
        Some(Command::Pause { pool }) => change(&control, Request::Pause { pool }, args.json).await,
        Some(Command::Resume { pool }) => change(&control, Request::Resume { pool }, args.json).await,
    };
    control.close().await;
    done
}

async fn change(control: &Control, request: Request, as_json: bool) -> anyhow::Result<()> {
    let answer = control.ask(request).await?;
    let state = if answer["paused"] == true { "paused" } else { "running" };
    listing::one(as_json, &answer, || format!("pool {} is {state}", listing::text(&answer["pool"])))
}

async fn show(control: &Control, as_json: bool) -> anyhow::Result<()> {
    listing::rows(as_json, &pools(control).await?)
}

/// Shows the pools again and again, until Ctrl-C or until the host has ended.
async fn watch(control: &Control, pause: Duration, as_json: bool) -> anyhow::Result<()> {
    loop {
        let pools = pools(control).await?;
        if as_json {
            println!("{pools}");
        } else {
            if std::io::stdout().is_terminal() {
                // Moves to the top left corner and clears the screen.
                print!("\x1b[H\x1b[2J");
            }
            listing::table(&pools)?;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            interrupted = tokio::signal::ctrl_c() => return Ok(interrupted?),
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.1..=3_600.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("must be a number from 0.1 to 3600".to_owned()),
    }
}

async fn pools(control: &Control) -> anyhow::Result<Json> {
    let pools = control.ask(Request::Pools).await?;
    let mut rows = Vec::new();
    for pool in pools["pools"].as_array().into_iter().flatten() {
        let name = || listing::text(&pool["name"]);
        let status = control.ask(Request::PoolStatus { pool: name() }).await?;
        let queue = control.ask(Request::QueueStatus { pool: name() }).await?;
        rows.push(json!({
            "pool": pool["name"], "waiting": queue["queue_depth"], "oldest_wait_seconds": queue["oldest_wait_seconds"],
            "active": status["active"], "capacity": status["capacity"], "paused": status["paused"],
            "dead_letters": queue["dead_letters"],
        }));
    }
    Ok(Json::from(rows))
}
