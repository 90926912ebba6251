//! `plugin new`: creates a folder with a plugin that builds and passes the conformance kit. It needs only the tools of its
//! language, since the worlds and the SDK for Rust are inside this program.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use scanhost_sandbox::{PluginKind, WORLDS};
use serde_json::json;

use crate::{
    cli::listing,
    scaffold::{File, Language, files, next_steps, permit_name},
};

#[derive(clap::Args)]
pub struct Args {
    /// Name of the plugin and of the new folder: lower case letters, digits and `-`
    name: String,
    /// The kind of the plugin
    #[arg(long, value_enum)]
    kind: Kind,
    /// The language of the plugin
    #[arg(long, value_enum)]
    lang: Lang,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// Drives a kind of scanner and reads its reports
    Backend,
    /// Decides which fields of a finding are shown
    Profile,
}

#[derive(Clone, Copy, ValueEnum)]
enum Lang {
    Rust,
    Python,
    Js,
}

pub fn run(args: Args, as_json: bool) -> anyhow::Result<()> {
    permit_name(&args.name)?;
    let kind = match args.kind {
        Kind::Backend => PluginKind::Backend,
        Kind::Profile => PluginKind::Profile,
    };
    let language = match args.lang {
        Lang::Rust => Language::Rust,
        Lang::Python => Language::Python,
        Lang::Js => Language::Js,
    };
    let folder = PathBuf::from(&args.name);
    let files = files(&args.name, kind, language);
    write(&folder, &files)?;
    let steps = next_steps(&args.name, kind, language);
    let world = WORLDS.into_iter().rfind(|world| world.kind == kind).map(|world| world.id());
    let answer = json!({
        "folder": args.name, "kind": kind.name(), "world": world,
        "files": files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), "next": steps,
    });
    listing::one(as_json, &answer, || format!("created {}; next steps:\n\n  {}", folder.display(), steps.join("\n  ")))
}

/// Writes the files into a new folder, so that nothing is ever overwritten.
fn write(folder: &Path, files: &[File]) -> anyhow::Result<()> {
    match fs::create_dir(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            bail!("{} already exists: choose another name, or move it away", folder.display())
        }
        Err(error) => return Err(error).with_context(|| format!("cannot create the folder {}", folder.display())),
    }
    for file in files {
        let path = folder.join(&file.path);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| {
            use std::io::Write as _;
            fs::File::create_new(&path)?.write_all(file.text.as_bytes())
        });
        made.with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
