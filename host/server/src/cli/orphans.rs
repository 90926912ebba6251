//! `orphans`: shows scans at the scanners that no task owns, and adopts or removes them.

use std::io::{self, IsTerminal as _};

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
    /// List the scans at the scanners that carry this installation's mark and that no task owns.
    List,
    /// Make a task of an orphan: the host follows the scan to its end and reads its report.
    Adopt {
        #[command(flatten)]
        which: Which,
        /// Accepted for symmetry with `remove`: adopting asks nothing
        #[arg(long)]
        yes: bool,
    },
    /// Stop an orphan if it runs, and delete it at its scanner.
    Remove {
        #[command(flatten)]
        which: Which,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Let the host stop and remove its own scans at the scanners by itself again, after the store was restored or
    /// moved.
    ///
    /// Do this only where no other scanhost works with the original of this store. It cannot be taken back.
    Trust {
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
}

/// The orphans that a command is about.
#[derive(clap::Args)]
struct Which {
    /// The orphan, as `list` shows it
    #[arg(required_unless_present = "all")]
    orphan: Option<String>,
    /// All orphans
    #[arg(long, conflicts_with = "orphan")]
    all: bool,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let control = Control::open(args.folder.load_for_command()?, Purpose::Administration).await?;
    let done = perform(&control, args.command, args.json).await;
    control.close().await;
    done
}

async fn perform(control: &Control, command: Command, as_json: bool) -> anyhow::Result<()> {
    match command {
        Command::List => {
            let answer = control.ask(Request::Orphans).await?;
            if as_json {
                return listing::json(&answer);
            }
            listing::table(&answer["orphans"])?;
            warn(&answer);
            Ok(())
        }
        Command::Adopt { which: Which { orphan, .. }, .. } => {
            let answer = control.ask(Request::AdoptOrphans { orphan }).await?;
            listing::one(as_json, &answer, || match words(&answer["task_ids"]) {
                ids if ids.is_empty() => "there was nothing to adopt".to_owned(),
                ids => format!("adopted as {ids}"),
            })
        }
        Command::Remove { which: Which { orphan, .. }, yes } => {
            if !yes {
                let what = orphan.as_deref().unwrap_or("all orphans");
                confirm(&format!("Stop {what} if running, and delete at the scanner?"), "nothing was removed")?;
            }
            let answer = control.ask(Request::RemoveOrphans { orphan }).await?;
            listing::one(as_json, &answer, || match words(&answer["removed"]) {
                removed if removed.is_empty() => "there was nothing to remove".to_owned(),
                removed => format!("removed {removed}"),
            })
        }
        Command::Trust { yes } => {
            // A script knows what it does; a person is asked.
            if !yes && io::stdin().is_terminal() {
                let question = "Does no other scanhost work with the original of this store?";
                confirm(question, "the store is as it was")?;
            }
            let answer = control.ask(Request::TrustStore).await?;
            listing::one(as_json, &answer, || {
                "the store is trusted: the host stops and removes its own scans at the scanners by itself".to_owned()
            })
        }
    }
}

/// Writes to stderr what the list alone does not show.
fn warn(answer: &Json) {
    for reason in answer["not_asked"].as_array().into_iter().flatten() {
        eprintln!("warning: a scanner could not be asked: {}", listing::text(reason));
    }
    if let Some(doubt) = answer["doubt"].as_str() {
        eprintln!(
            "warning: {doubt}. The host stops and removes nothing at the scanners by itself until you run `scanhost \
             orphans trust`, which you must not do while another scanhost works with the original of this store"
        );
    }
}

fn words(list: &Json) -> String {
    let words: Vec<String> = list.as_array().into_iter().flatten().map(listing::text).collect();
    words.join(", ")
}
