//! Checks that this machine has what the configuration needs: a data folder that can be written, and the programs of
//! `commands`. It creates nothing.

use std::{collections::BTreeSet, fs, io, path::Path};

use rustix::fs::{Access, access};
use scanhost_config::{Config, Position, Problem};
use scanhost_system::data_folder;

pub struct Machine {
    pub problems: Vec<Problem>,
    pub is_data_usable: bool,
    /// The names of the commands whose programs have problems.
    pub unusable_commands: BTreeSet<String>,
}

impl Machine {
    pub fn check(config: &Config) -> Self {
        let mut problems: Vec<Problem> = Vec::new();
        if config.has_sound_data()
            && let Err(message) = check_data(&data_folder::full_path(&config.data))
        {
            problems.push(problem(config.place_of("data"), "data".to_owned(), message));
        }
        let is_data_usable = problems.is_empty();
        let mut unusable_commands = BTreeSet::new();
        // A path that is not absolute is already a problem of the configuration.
        for (name, command) in config.commands.iter().filter(|(_, command)| command.program.is_absolute()) {
            if let Err(message) = check_program(&command.program) {
                problems.push(problem(command.place, format!("commands.{name}.program"), message));
                unusable_commands.insert(name.clone());
            }
        }
        Self { problems, is_data_usable, unusable_commands }
    }
}

fn check_data(data: &Path) -> Result<(), String> {
    let Some(existing) = data.ancestors().find(|folder| folder.exists()) else { return Ok(()) };
    let shown = data.display();
    let is_writable = access(existing, Access::WRITE_OK | Access::EXEC_OK).is_ok();
    match (existing == data, existing.is_dir()) {
        (_, true) if is_writable => Ok(()),
        (true, true) => Err(format!(
            "this user cannot write the folder {shown}: give it to the user that runs scanhost, or name another folder"
        )),
        (true, false) => Err(format!("{shown} is not a folder: name another path")),
        (false, true) => Err(format!(
            "the folder {shown} cannot be created, since this user cannot write {}: create it for the user that runs \
             scanhost, or name another folder",
            existing.display()
        )),
        (false, false) => Err(format!(
            "the folder {shown} cannot be created, since {} is not a folder: name another path",
            existing.display()
        )),
    }
}

fn check_program(program: &Path) -> Result<(), String> {
    let shown = program.display();
    match fs::metadata(program) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(format!("{shown} does not exist: install the program, or correct the path"))
        }
        Err(error) => Err(format!("{shown} cannot be used ({error}): correct the path")),
        Ok(metadata) if !metadata.is_file() => Err(format!("{shown} is not a file: name the program itself")),
        Ok(_) if access(program, Access::EXEC_OK).is_err() => {
            Err(format!("{shown} is not executable for this user: set its permissions with chmod, or correct the path"))
        }
        Ok(_) => Ok(()),
    }
}

fn problem(place: Option<Position>, key: String, message: String) -> Problem {
    Problem { file: "scanhost.yaml".to_owned(), place, key, message }
}
