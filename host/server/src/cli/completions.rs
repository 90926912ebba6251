//! `completions`: prints a shell completion script.

use std::io;

use clap::CommandFactory as _;
use clap_complete::Shell;

#[derive(clap::Args)]
pub struct Args {
    /// The shell that the script is for
    shell: Shell,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), env!("CARGO_PKG_NAME"), &mut script);
    Ok(io::Write::write_all(&mut io::stdout(), &script)?)
}
