//! Reloads of an invalid configuration: the old one stays in use, and `/ready` and the log have the problem.

use std::{fs, path::Path};

use scanhost_it::{
    guests::{MOCK, NOSY, PROFILE, STEADY, VIEWER, with_version},
    scrape::Scrape,
    server::replace_file,
    testbed::wait_until,
};
use serde_json::{Value, json};

use crate::test_host::{SCANNERS, SERVER, TestHost, write_server_yaml};

struct InvalidChange {
    name: &'static str,
    change: fn(&Path),
    source: &'static str,
    expected: &'static [&'static str],
}

const INVALID_CHANGES: &[InvalidChange] = &[
    InvalidChange {
        name: "a truncated component",
        change: |config| replace_file(&config.join("steady.wasm"), &STEADY[..STEADY.len() / 2]),
        source: "scanhost.yaml",
        expected: &["plugins.steady", "not a WebAssembly component"],
    },
    InvalidChange {
        name: "a core module",
        change: |config| replace_file(&config.join("steady.wasm"), b"\0asm\x01\0\0\0"),
        source: "scanhost.yaml",
        expected: &["plugins.steady", "not a WebAssembly component", "module"],
    },
    InvalidChange {
        name: "another world",
        change: |config| replace_file(&config.join("steady.wasm"), PROFILE),
        source: "scanners.yaml",
        expected: &["steady.s1", "`steady` is a profile and no backend"],
    },
    InvalidChange {
        name: "another plugin",
        change: |config| replace_file(&config.join("viewer.wasm"), MOCK),
        source: "scanhost.yaml",
        expected: &["plugins.viewer", "describes itself as `mock`"],
    },
    InvalidChange {
        name: "a missing export",
        change: |config| replace_file(&config.join("steady.wasm"), b"\0asm\x0d\0\x01\0"),
        source: "scanhost.yaml",
        expected: &["plugins.steady", "another world", "exports nothing"],
    },
    InvalidChange {
        name: "a digest that is not the pinned one",
        change: |config| {
            let pinned = format!("file: steady.wasm, sha256: \"{}\"", "0".repeat(64));
            write_server_yaml(config, &SERVER.replace("file: steady.wasm", &pinned));
        },
        source: "scanhost.yaml",
        expected: &["plugins.steady", "the file's sha256 is", "expects 0000"],
    },
    InvalidChange {
        name: "an import that was not granted",
        change: |config| replace_file(&config.join("steady.wasm"), NOSY),
        source: "scanhost.yaml",
        expected: &["plugins.steady", "grants: [http]"],
    },
    InvalidChange {
        name: "a trap in describe",
        change: |config| replace_file(&config.join("steady.wasm"), crashing_in_describe()),
        source: "scanhost.yaml",
        expected: &["plugins.steady", "its `describe` failed", "crashed"],
    },
    InvalidChange {
        name: "a file that is gone",
        change: |config| fs::remove_file(config.join("viewer.wasm")).unwrap(),
        source: "scanhost.yaml",
        expected: &["plugins.viewer", "viewer.wasm"],
    },
    InvalidChange {
        name: "a YAML error",
        change: |config| replace_file(&config.join("scanners.yaml"), "mock:\n- {instance_id: m1\nsteady: ["),
        source: "scanners.yaml",
        expected: &["scanners.yaml:"],
    },
    InvalidChange {
        name: "an unknown key",
        change: |config| replace_file(&config.join("scanners.yaml"), SCANNERS.replace("s1}", "s1, colour: blue}")),
        source: "scanners.yaml",
        expected: &["scanners.yaml:2", "steady[0].colour"],
    },
    InvalidChange {
        name: "an option that its backend refuses",
        change: |config| {
            replace_file(&config.join("scanners.yaml"), SCANNERS.replace("duration_seconds: 0", "speed: 9"))
        },
        source: "scanners.yaml",
        expected: &["scanners.yaml:1", "mock.m1", "speed"],
    },
    InvalidChange {
        name: "a profile with an invalid filter",
        change: |config| {
            replace_file(&config.join("profiles.yaml"), "soc: {fields: [host], filters: {severity: urgent}}")
        },
        source: "profiles.yaml",
        expected: &["profiles.yaml:1", "soc", "severity"],
    },
    InvalidChange {
        name: "a key that needs a restart",
        change: |config| write_server_yaml(config, &format!("key_prefix: other\n{SERVER}")),
        source: "scanhost.yaml",
        expected: &["scanhost.yaml:2: key_prefix", "restart"],
    },
    InvalidChange {
        name: "one bad file among good ones",
        change: |config| {
            replace_file(&config.join("scanners.yaml"), format!("{SCANNERS}mock_more: [{{instance_id: m2}}]\n"));
            replace_file(&config.join("viewer.wasm"), b"no component");
        },
        source: "scanhost.yaml",
        expected: &["plugins.viewer", "not a WebAssembly component"],
    },
];

/// Makes a variant of `steady` whose version is not a number, so that it crashes in `describe`.
fn crashing_in_describe() -> Vec<u8> {
    let mut component = with_version(STEADY, 7);
    let at = component.windows(12).position(|window| window == b"version 0007").unwrap();
    component[at + 8] = b'x';
    component
}

/// Restores all files. Only files that differ are written, so that the server sees one change.
fn restore_files(config: &Path) {
    let restore = |name: &str, original: &[u8]| {
        if fs::read(config.join(name)).ok().as_deref() != Some(original) {
            replace_file(&config.join(name), original);
        }
    };
    restore("steady.wasm", STEADY);
    restore("viewer.wasm", VIEWER);
    restore("scanners.yaml", SCANNERS.as_bytes());
    let _may_not_exist = fs::remove_file(config.join("profiles.yaml"));
    let present = fs::read_to_string(config.join("scanhost.yaml")).unwrap();
    if present.split_once('\n').unwrap().1 != SERVER {
        write_server_yaml(config, SERVER);
    }
}

#[tokio::test]
async fn invalid_change_is_reported_and_changes_nothing() {
    let host = TestHost::start();
    let pools = host.mcp.call_ok("list_pools", json!({})).await;
    for InvalidChange { name, change, source, expected } in INVALID_CHANGES {
        let reload = host.reload(change).await;
        assert_eq!(reload["outcome"], "failed", "{name}: {reload}");
        let is_reported = |problem: &Value| {
            let message = problem["message"].as_str().unwrap();
            problem["source"] == *source && expected.iter().all(|part| message.contains(part))
        };
        assert!(reload["problems"].as_array().unwrap().iter().any(is_reported), "{name}: {reload}");
        assert_eq!(host.server.ready().await["status"], "degraded", "{name}");
        let is_logged = |line: &str| line.contains("is not taken into use") && line.contains(source);
        wait_until(name, || host.server.log().lines().any(is_logged)).await;
        assert_eq!(host.versions_in_use().await, ("found by version 1".to_owned(), 1), "{name}");
        assert_eq!(host.mcp.call_ok("list_pools", json!({})).await, pools, "{name}");
        restore_files(&host.config());
        host.wait_for_ready(|ready| ready["last_reload"]["outcome"] == "ok").await;
    }
    assert_eq!((host.generation("steady").await, host.generation("viewer").await), (1, 1));
    let metrics = Scrape::fetch(&host.mcp, host.server.url(), "").await;
    let failed = metrics.value("scanhost_config_reloads_total{outcome=\"failed\"}");
    assert_eq!(failed, Some(INVALID_CHANGES.len() as f64));
}

#[tokio::test]
async fn half_written_file_is_loaded_once_it_is_complete() {
    let host = TestHost::start();
    let new = with_version(STEADY, 2);
    let (first, second) = new.split_at(new.len() / 2);
    let file = host.config().join("steady.wasm");
    let reload = host.reload(|_| replace_file(&file, first)).await;
    assert_eq!(reload["outcome"], "failed");
    assert_eq!(host.versions_in_use().await.0, "found by version 1");
    let append = || {
        use std::io::Write as _;
        fs::OpenOptions::new().append(true).open(&file).unwrap().write_all(second).unwrap();
    };
    assert_eq!(host.reload(|_| append()).await["outcome"], "ok");
    assert_eq!(host.versions_in_use().await.0, "found by version 2");
}

#[tokio::test]
async fn recreated_config_folder_is_read_again() {
    let host = TestHost::start();
    let moved = host.home.path().join("kept");
    let reload = host.reload(|config| fs::rename(config, &moved).unwrap()).await;
    assert_eq!(reload["outcome"], "failed");
    assert_eq!(host.versions_in_use().await.0, "found by version 1");
    fs::write(moved.join("steady.wasm"), with_version(STEADY, 2)).unwrap();
    let config = host.config();
    fs::create_dir(&config).unwrap();
    // The server reloads only once the last of these files exists, since it names the data folder.
    for name in ["steady.wasm", "viewer.wasm", "scanners.yaml", "scanhost.yaml"] {
        fs::copy(moved.join(name), config.join(name)).unwrap();
    }
    host.wait_for_ready(|ready| ready["last_reload"]["outcome"] == "ok").await;
    assert_eq!(host.versions_in_use().await.0, "found by version 2");
    // The new folder is watched like the first.
    let reload = host.reload(|config| replace_file(&config.join("steady.wasm"), with_version(STEADY, 3))).await;
    assert_eq!(reload["outcome"], "ok");
    assert_eq!(host.versions_in_use().await.0, "found by version 3");
}
