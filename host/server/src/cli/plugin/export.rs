//! `plugin export`: writes a built-in plugin into a file, such as to look into it or to change it.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
};

use anyhow::{Context as _, anyhow, bail};
use scanhost_app::plugins::{built_in, built_in_names};
use scanhost_system::atomic;

#[derive(clap::Args)]
pub struct Args {
    /// The built-in plugin
    name: String,
    /// The file to write, instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let bytes = built_in(&args.name).ok_or_else(|| {
        let names: Vec<&str> = built_in_names().collect();
        anyhow!("there is no built-in plugin `{}`; there are {}", args.name, names.join(", "))
    })?;
    match &args.output {
        Some(file) => {
            atomic::write(file, bytes).with_context(|| format!("the file {} cannot be written", file.display()))?;
            eprintln!("wrote {} ({} bytes)", file.display(), bytes.len());
            Ok(())
        }
        None if io::stdout().is_terminal() => {
            bail!("a component is no text: redirect the output, or give --output FILE")
        }
        None => Ok(io::stdout().lock().write_all(bytes)?),
    }
}
