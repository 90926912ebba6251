//! `plugin`: components, for those who write them and those who load them. One file a verb.

mod check;
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
    /// Show what a component is: its world, what it asks for, how it describes itself.
    Inspect(inspect::Args),
    /// Check a component as it is checked when it is loaded, and say what its entry in scanhost.yaml needs.
    Check(check::Args),
    /// Run the conformance kit: what every plugin of its kind has to do, against a scripted scanner.
    Test(test::Args),
    /// Make a folder with a plugin that builds, passes the kit, and is there to be changed.
    New(new::Args),
    /// What is loaded, and why something is not.
    List(list::Args),
    /// Put a plugin's last good version in the place of the present one, until its file changes.
    Rollback(rollback::Args),
}

/// Which version each process uses, and as which of its generations, is not to be known here.
fn tell_unserved() {
    eprintln!(
        "no running scanhost answers here: this is what the configuration loads to now; /ready of each process tells what \
         it uses"
    );
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::Inspect(command) => inspect::run(command, args.json).await,
        Command::Check(command) => check::run(command, args.json).await,
        Command::Test(command) => test::run(command, args.json).await,
        Command::New(command) => new::run(command, args.json),
        Command::List(command) => list::run(command, args.json).await,
        Command::Rollback(command) => rollback::run(command, args.json).await,
    }
}
