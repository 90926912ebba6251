//! Commands in the wrong place: a folder that was never used, another user's, one that others may write, and a
//! configuration that is not the one that was meant.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use scanhost_it::{output::Output, server::Home};

const MOCK: &str = "mock: [{instance_id: m1, options: {duration_seconds: 0}}]";

fn run(home: &Home, arguments: &[&str]) -> Output {
    let mut command = home.command(arguments);
    command.arg("--config").arg(home.config());
    Output::run(command)
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode can be set");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it exists").permissions().mode() & 0o777
}

#[test]
fn commands_that_look_create_nothing() {
    let home = Home::new(&[("scanners.yaml", MOCK)]);
    let before = fs::read_dir(home.data()).expect("the folder").count();
    let commands: [(&[&str], i32); 6] = [
        (&["queue"], 0),
        (&["scans"], 0),
        (&["dlq", "list"], 0),
        (&["orphans", "list"], 1),
        (&["queue", "pause", "mock"], 1),
        (&["dlq", "purge", "--yes"], 1),
    ];
    for (command, code) in commands {
        let output = run(&home, command);
        assert_eq!(output.code, Some(code), "{command:?}: {}", output.stdout);
        assert!(output.stderr.contains("scanhost has no data at"), "{command:?}: {}", output.stderr);
        assert!(output.stderr.contains("SCANHOST_CONFIG"), "{command:?}: {}", output.stderr);
    }
    assert_eq!(fs::read_dir(home.data()).expect("the folder").count(), before);
}

#[test]
fn configuration_comes_from_the_environment_or_is_said_to_be_missing() {
    let home = Home::new(&[("scanners.yaml", MOCK)]);
    drop(home.start());
    let mut command = home.command(&["queue"]);
    command.env("SCANHOST_CONFIG", home.config());
    let output = Output::run(command);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert!(!output.stderr.contains("no --config"), "{}", output.stderr);

    fs::write(home.path().join("scanhost.yaml"), "listen: nonsense\n").expect("a file");
    let mut command = home.command(&["queue"]);
    command.env_remove("SCANHOST_CONFIG");
    let output = Output::run(command);
    assert!(output.stderr.contains("no --config: built-in defaults"), "{}", output.stderr);
    assert!(output.stderr.contains("./scanhost.yaml is not read"), "{}", output.stderr);
}

#[test]
fn folder_that_everybody_may_write_and_key_that_everybody_may_read_are_refused() {
    let home = Home::new(&[("scanners.yaml", MOCK)]);
    drop(home.start());
    set_mode(&home.data(), 0o755);
    drop(home.start());
    assert_eq!(mode(&home.data()), 0o750, "what this user owns is tightened");
    set_mode(&home.data(), 0o777);
    let output = run(&home, &["queue"]);
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains(&format!("chmod o-w {}", home.data().display())), "{}", output.stderr);
    set_mode(&home.data(), 0o750);
    let key = home.data().join("secret.key");
    set_mode(&key, 0o644);
    let output = run(&home, &["queue"]);
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains(&format!("chmod o-rwx {}", key.display())), "{}", output.stderr);
    set_mode(&key, 0o600);
    assert_eq!(run(&home, &["queue"]).code, Some(0));
}

#[test]
fn folder_of_another_user_is_refused_with_the_command_that_works() {
    let home = Home::new(&[("scanners.yaml", MOCK)]);
    drop(home.start());
    let chown = std::process::Command::new("chown").arg("nobody").arg(home.data().join("installation")).status();
    if !chown.is_ok_and(|status| status.success()) {
        // Only root can give a file away, and only root is refused another user's folder by this alone.
        return;
    }
    let output = run(&home, &["queue"]);
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains("sudo -u nobody scanhost"), "{}", output.stderr);
}
