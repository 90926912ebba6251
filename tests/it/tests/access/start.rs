//! Addresses at which a server refuses to listen.

use scanhost_it::{output::Output, server::Home};

const SCANNERS: &str = "mock: [{instance_id: m1}]";

#[test]
fn listening_beyond_loopback_without_a_token_is_refused() {
    let home = Home::new(&[("scanners.yaml", SCANNERS)]);
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8836"] {
        let mut command = home.command(&["serve", "--listen", listen, "--config"]);
        command.arg(home.config());
        check_refused(&Output::run(command), listen);
    }
    home.write("scanhost.yaml", "listen: 0.0.0.0:8836\n");
    let mut command = home.command(&["serve", "--config"]);
    command.arg(home.config());
    check_refused(&Output::run(command), "0.0.0.0:8836");
}

#[test]
fn listening_beyond_loopback_without_a_configuration_is_refused() {
    let home = Home::new(&[]);
    check_refused(&Output::run(home.command(&["serve", "--listen", "0.0.0.0:0"])), "0.0.0.0:0");
    check_refused(&Output::run(home.command(&["--listen", "0.0.0.0:0"])), "0.0.0.0:0");
}

fn check_refused(output: &Output, address: &str) {
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    assert_eq!(output.stdout, "");
    for text in [address, "loopback", "tokens"] {
        assert!(output.stderr.contains(text), "{}", output.stderr);
    }
}
