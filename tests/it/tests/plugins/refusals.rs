//! Plugins that are not loaded, and scanner addresses that are not permitted, with the hint for the operator.

use scanhost_it::{guests, output::Output, server::Home};

fn config_check(home: &Home) -> Output {
    let mut check = home.command(&["config", "check", "--config"]);
    check.arg(home.config());
    Output::run(check)
}

#[test]
fn refused_component_gets_the_missing_grant_or_digest() {
    let zeros = "0".repeat(64);
    let pinned = format!(", sha256: \"{zeros}\"");
    let table: [(&str, &[u8], &str, &[&str]); 3] = [
        ("nosy", guests::NOSY, "", &["plugins.nosy", "grants: [http]"]),
        ("spin", guests::SPIN, &pinned, &["plugins.spin", "sha256", &zeros]),
        ("liar", guests::LIAR, "", &["plugins.liar", "describe", "malformed backend name"]),
    ];
    for (name, component, more, expected) in table {
        let home = Home::new(&[("scanners.yaml", "mock: [{instance_id: m1}]\n")]);
        std::fs::write(home.config().join("guest.wasm"), component).unwrap();
        home.write("scanhost.yaml", &format!("plugins: {{{name}: {{file: guest.wasm{more}}}}}\n"));
        let output = config_check(&home);
        assert_eq!(output.code, Some(1), "{name}");
        assert!(expected.iter().all(|part| output.stderr.contains(part)), "{name}: {}", output.stderr);
    }
}

#[test]
fn metadata_and_unspecified_addresses_are_refused() {
    let forbidden = [
        "http://169.254.169.254/",
        "http://[::ffff:169.254.169.254]/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://0xa9fea9fe/",
        "http://100.100.100.200/",
        "http://[fd00:ec2::254]/",
        "http://[fe80::1]/",
        "http://0.0.0.0:8834/",
        "http://[::]:8834/",
    ];
    for url in forbidden {
        let scanner = format!("nessus: [{{instance_id: n1, url: '{url}', auth: {{access_key: a, secret_key: s}}}}]\n");
        let output = config_check(&Home::new(&[("scanners.yaml", &scanner)]));
        assert_eq!(output.code, Some(1), "{url}");
        assert!(output.stderr.contains("may not be reached"), "{url}: {}", output.stderr);
    }
}
