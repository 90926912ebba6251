//! The page in a real browser, Chromium without a window, which `clients/page.mjs` drives; and what axe-core finds.

use scanhost_it::{
    installed::{node, node_modules},
    lab::{Lab, instant},
    output::Output,
    program::workspace,
    server::Home,
};

use crate::{OPERATOR, TOKENS, attack};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_submits_follows_filters_and_compares() {
    let scanner = fake_nessus::FakeNessus::start(instant(attack::report())).await;
    let keys = fake_nessus::ApiKeys::default();
    let auth = format!("{{access_key: {}, secret_key: {}}}", keys.access, keys.secret);
    let scanners = scanhost_it::lab::scanners(&scanner.url(), &auth)
        + "mock: [{instance_id: m1, options: {duration_seconds: 5, hosts: 3, findings_per_host: 20}}]\n\
           mock_slow: [{instance_id: s1, options: {duration_seconds: 600}}]\n";
    let home = Home::new(&[("scanners.yaml", &scanners), ("scanhost.yaml", TOKENS)]);
    let server = home.start();
    let mcp = server.mcp().with_token(OPERATOR);
    let lab = Lab { scanner, home, server, mcp };
    let hostile = lab.submitted().await;
    assert_eq!(lab.ended(&hostile).await["status"], "completed");

    let mut command = node();
    command.arg(workspace().join("tests/it/clients/page.mjs")).args([lab.server.url(), OPERATOR, &hostile]);
    command.env("SCANHOST_NODE_MODULES", node_modules().join("package.json"));
    // What a browser keeps goes with the test.
    command.env("HOME", lab.home.path());
    let ended = tokio::task::block_in_place(|| Output::of(command));
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.ends_with("ok\n"), "{}", ended.stdout);
}
