//! `serve`: its greeting, and the errors that keep it from starting.

use scanhost_it::{
    output::Output,
    server::{Home, Server},
};
use serde_json::json;

use crate::{MOCK, run};

#[tokio::test]
async fn greeting_without_a_configuration_says_how_to_connect() {
    for arguments in [&["--listen", "127.0.0.1:0"][..], &["serve", "--listen", "127.0.0.1:0"]] {
        let home = Home::new(&[]);
        let mut command = home.command(arguments);
        command.env_remove("SCANHOST_LOG");
        let server = Server::start(command);
        let pools = server.mcp().call_ok("list_pools", json!({})).await;
        assert_eq!((&pools["default_pool"], pools["pools"].as_array().map(Vec::len)), (&json!("mock"), Some(1)));
        let log = server.log();
        let greeting: Vec<&str> = log.lines().filter(|line| !line.starts_with('{')).collect();
        assert_eq!(greeting.len(), 3, "{log}");
        let address = format!("{}/mcp", server.url());
        assert!(greeting[0].contains(&address) && greeting[0].contains(&format!("{}/,", server.url())), "{log}");
        assert!(greeting[1].contains("claude mcp add") && greeting[1].contains(&address), "{log}");
        assert!(greeting[2].contains("scanhost stdio"), "{log}");
    }
}

#[test]
fn second_server_on_the_same_data_is_refused() {
    let home = Home::new(&[("scanners.yaml", MOCK)]);
    let _first = home.start();
    let config = home.config().display().to_string();
    let output = run(&home, &["serve", "--listen", "127.0.0.1:0", "--config", &config]);
    assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""));
    assert!(output.stderr.contains("another scanhost"), "{}", output.stderr);
}

#[test]
fn occupied_address_is_an_error() {
    let home = Home::new(&[("scanners.yaml", MOCK)]);
    let occupied = std::net::TcpListener::bind("127.0.0.1:0").expect("the loopback has a free port");
    let address = occupied.local_addr().expect("it has an address").to_string();
    let config = home.config().display().to_string();
    let output = run(&home, &["serve", "--config", &config, "--listen", &address]);
    assert_eq!(output.code, Some(1));
    for part in [address.as_str(), "give each process its own --listen"] {
        assert!(output.stderr.contains(part), "{part}: {}", output.stderr);
    }
}

#[test]
fn invalid_log_level_is_refused_in_configuration_and_environment() {
    let home = Home::new(&[("scanners.yaml", MOCK), ("scanhost.yaml", "log: {level: warning}\n")]);
    let config = home.config().display().to_string();
    let problem = "`warning` is not a level: use error, warn, info, debug, trace, off or target=level";
    let checked = run(&home, &["config", "check", "--config", &config]);
    assert_eq!(checked.code, Some(1));
    assert!(checked.stderr.contains(&format!("scanhost.yaml:2: log.level: {problem}")), "{}", checked.stderr);
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("SCANHOST_LOG", "warning");
    let refused = Output::run(command);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains(&format!("SCANHOST_LOG: {problem}")), "{}", refused.stderr);
}
