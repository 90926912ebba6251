//! `plugin`: commands for people who write or load plugins, with one file for each verb.

mod check;
mod export;
mod inspect;
mod list;
mod new;
mod rollback;
mod test;

use clap::Subcommand;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Show a component's world, the grants that it requests, and its description of itself.
    Inspect(inspect::Args),
    /// Check a component as the host does when it loads one, and print the entry for scanhost.yaml.
    Check(check::Args),
    /// Run the conformance kit, which tests a plugin against a scripted scanner.
    Test(test::Args),
    /// Write a built-in plugin into a file.
    Export(export::Args),
    /// Create a folder with a working plugin to start from.
    New(new::Args),
    /// List the loaded plugins, and why others are not loaded.
    List(list::Args),
    /// Go back to a plugin's last good version until its file changes.
    Rollback(rollback::Args),
}

/// Says that the output is not from a running host. Which version and generation each process uses is unknown here.
fn note_no_host() {
    eprintln!(
        "no running scanhost process was found on this data folder: this shows what the configuration would load now; \
         /ready of each process shows what it uses"
    );
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::Inspect(command) => inspect::run(command, args.json).await,
        Command::Check(command) => check::run(command, args.json).await,
        Command::Test(command) => test::run(command, args.json).await,
        Command::Export(command) => export::run(&command),
        Command::New(command) => new::run(command, args.json),
        Command::List(command) => list::run(command, args.json).await,
        Command::Rollback(command) => rollback::run(command, args.json).await,
    }
}
