//! The page in headless Chromium, which `clients/page.mjs` drives, and which axe-core checks for accessibility.

use scanhost_it::{
    output::Output,
    program::workspace,
    server::Home,
    testbed::{Testbed, instant_scans},
    third_party::{node, node_modules},
};

use crate::{OPERATOR, TOKENS, hostile_report};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn person_submits_follows_filters_and_compares_scans_in_a_browser() {
    let scanner = fake_nessus::FakeNessus::start(instant_scans(hostile_report::report())).await;
    let keys = fake_nessus::ApiKeys::default();
    let auth = format!("{{access_key: {}, secret_key: {}}}", keys.access, keys.secret);
    let scanners = scanhost_it::testbed::nessus_scanners_yaml(&scanner.url(), &auth)
        + "mock: [{instance_id: m1, options: {duration_seconds: 5, hosts: 3, findings_per_host: 20}}]\n\
           mock_slow: [{instance_id: s1, options: {duration_seconds: 600}}]\n";
    let home = Home::new(&[("scanners.yaml", &scanners), ("scanhost.yaml", TOKENS)]);
    let server = home.start();
    let mcp = server.mcp().with_token(OPERATOR);
    let testbed = Testbed { scanner, home, server, mcp };
    let hostile = testbed.submit().await;
    assert_eq!(testbed.wait_for_end(&hostile).await["status"], "completed");

    let mut command = node();
    command.arg(workspace().join("tests/it/clients/page.mjs")).args([testbed.server.url(), OPERATOR, &hostile]);
    command.env("SCANHOST_NODE_MODULES", node_modules().join("package.json"));
    // The profile of the browser is removed with the folder of the test.
    command.env("HOME", testbed.home.path());
    let output = tokio::task::block_in_place(|| Output::run(command));
    assert_eq!(output.code, Some(0), "{}{}", output.stdout, output.stderr);
    assert!(output.stdout.ends_with("ok\n"), "{}", output.stdout);
}
