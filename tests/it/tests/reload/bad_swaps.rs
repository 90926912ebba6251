//! Changes that cannot be taken into use: what was there serves on, and the report says what is wrong where.

use std::{fs, path::Path};

use scanhost_it::{
    guests::{MOCK, NOSY, PROFILE, STEADY, VIEWER, version},
    lab::wait_until,
    scrape::Scrape,
    server::replace,
};
use serde_json::{Value, json};

use crate::plant::{Plant, SCANNERS, SERVER, rewrite};

struct Bad {
    name: &'static str,
    change: fn(&Path),
    source: &'static str,
    says: &'static [&'static str],
}

const TABLE: &[Bad] = &[
    Bad {
        name: "a truncated component",
        change: |config| replace(&config.join("steady.wasm"), &STEADY[..STEADY.len() / 2]),
        source: "scanhost.yaml",
        says: &["plugins.steady", "not a WebAssembly component"],
    },
    Bad {
        name: "a core module",
        change: |config| replace(&config.join("steady.wasm"), b"\0asm\x01\0\0\0"),
        source: "scanhost.yaml",
        says: &["plugins.steady", "not a WebAssembly component", "module"],
    },
    Bad {
        name: "another world",
        change: |config| replace(&config.join("steady.wasm"), PROFILE),
        source: "scanners.yaml",
        says: &["steady.s1", "`steady` is a profile and no backend"],
    },
    Bad {
        name: "another plugin",
        change: |config| replace(&config.join("viewer.wasm"), MOCK),
        source: "scanhost.yaml",
        says: &["plugins.viewer", "describes itself as `mock`"],
    },
    Bad {
        name: "a missing export",
        change: |config| replace(&config.join("steady.wasm"), b"\0asm\x0d\0\x01\0"),
        source: "scanhost.yaml",
        says: &["plugins.steady", "another world", "exports nothing"],
    },
    Bad {
        name: "a digest that is not the pinned one",
        change: |config| {
            let pinned = format!("file: steady.wasm, sha256: \"{}\"", "0".repeat(64));
            rewrite(config, &SERVER.replace("file: steady.wasm", &pinned));
        },
        source: "scanhost.yaml",
        says: &["plugins.steady", "the file's sha256 is", "wants 0000"],
    },
    Bad {
        name: "an import that was not granted",
        change: |config| replace(&config.join("steady.wasm"), NOSY),
        source: "scanhost.yaml",
        says: &["plugins.steady", "grants: [http]"],
    },
    Bad {
        name: "a trap in describe",
        change: |config| replace(&config.join("steady.wasm"), trapping()),
        source: "scanhost.yaml",
        says: &["plugins.steady", "its `describe` failed", "crashed"],
    },
    Bad {
        name: "a file that is gone",
        change: |config| fs::remove_file(config.join("viewer.wasm")).unwrap(),
        source: "scanhost.yaml",
        says: &["plugins.viewer", "viewer.wasm"],
    },
    Bad {
        name: "a YAML error",
        change: |config| replace(&config.join("scanners.yaml"), "mock:\n- {instance_id: m1\nsteady: ["),
        source: "scanners.yaml",
        says: &["scanners.yaml:"],
    },
    Bad {
        name: "an unknown key",
        change: |config| replace(&config.join("scanners.yaml"), SCANNERS.replace("s1}", "s1, colour: blue}")),
        source: "scanners.yaml",
        says: &["scanners.yaml:2", "steady[0].colour"],
    },
    Bad {
        name: "an option that its backend refuses",
        change: |config| replace(&config.join("scanners.yaml"), SCANNERS.replace("duration_seconds: 0", "speed: 9")),
        source: "scanners.yaml",
        says: &["scanners.yaml:1", "mock.m1", "speed"],
    },
    Bad {
        name: "a profile with a filter that is none",
        change: |config| replace(&config.join("profiles.yaml"), "soc: {fields: [host], filters: {severity: urgent}}"),
        source: "profiles.yaml",
        says: &["profiles.yaml:1", "soc", "severity"],
    },
    Bad {
        name: "what a running server cannot change",
        change: |config| rewrite(config, &format!("key_prefix: other\n{SERVER}")),
        source: "scanhost.yaml",
        says: &["scanhost.yaml:2: key_prefix", "restart"],
    },
    Bad {
        name: "one bad file among good ones",
        change: |config| {
            replace(&config.join("scanners.yaml"), format!("{SCANNERS}mock_more: [{{instance_id: m2}}]\n"));
            replace(&config.join("viewer.wasm"), b"no component");
        },
        source: "scanhost.yaml",
        says: &["plugins.viewer", "not a WebAssembly component"],
    },
];

/// Its version is no number, which it says nobody ever sees.
fn trapping() -> Vec<u8> {
    let mut component = version(STEADY, 7);
    let at = component.windows(12).position(|at| at == b"version 0007").unwrap();
    component[at + 8] = b'x';
    component
}

/// Back to how it was. Only what differs is written, so that the server has one change to look at.
fn mend(config: &Path) {
    let restore = |name: &str, wanted: &[u8]| {
        if fs::read(config.join(name)).ok().as_deref() != Some(wanted) {
            replace(&config.join(name), wanted);
        }
    };
    restore("steady.wasm", STEADY);
    restore("viewer.wasm", VIEWER);
    restore("scanners.yaml", SCANNERS.as_bytes());
    let _not_always = fs::remove_file(config.join("profiles.yaml"));
    let present = fs::read_to_string(config.join("scanhost.yaml")).unwrap();
    if present.split_once('\n').unwrap().1 != SERVER {
        rewrite(config, SERVER);
    }
}

#[tokio::test]
async fn a_bad_change_changes_nothing_and_is_told() {
    let plant = Plant::new();
    let pools = plant.mcp.ok("list_pools", json!({})).await;
    for Bad { name, change, source, says } in TABLE {
        let reload = plant.reload(change).await;
        assert_eq!(reload["outcome"], "failed", "{name}: {reload}");
        let is_told = |problem: &Value| {
            let message = problem["message"].as_str().unwrap();
            problem["source"] == *source && says.iter().all(|part| message.contains(part))
        };
        assert!(reload["problems"].as_array().unwrap().iter().any(is_told), "{name}: {reload}");
        assert_eq!(plant.server.ready().await["status"], "degraded", "{name}");
        let is_logged = |line: &str| line.contains("is not taken into use") && line.contains(source);
        wait_until(name, || plant.server.log().lines().any(is_logged)).await;
        assert_eq!(plant.versions().await, ("found by version 1".to_owned(), 1), "{name}");
        assert_eq!(plant.mcp.ok("list_pools", json!({})).await, pools, "{name}");
        mend(&plant.config());
        plant.ready_when(|ready| ready["last_reload"]["outcome"] == "ok").await;
    }
    assert_eq!((plant.generation("steady").await, plant.generation("viewer").await), (1, 1));
    let metrics = Scrape::of(&plant.mcp, plant.server.url(), "").await;
    let failed = metrics.value("scanhost_config_reloads_total{outcome=\"failed\"}");
    assert_eq!(failed, Some(TABLE.len() as f64));
}

#[tokio::test]
async fn a_half_written_file_waits_for_its_other_half() {
    let plant = Plant::new();
    let new = version(STEADY, 2);
    let (first, second) = new.split_at(new.len() / 2);
    let file = plant.config().join("steady.wasm");
    let reload = plant.reload(|_| replace(&file, first)).await;
    assert_eq!(reload["outcome"], "failed");
    assert_eq!(plant.versions().await.0, "found by version 1");
    let append = || {
        use std::io::Write as _;
        fs::OpenOptions::new().append(true).open(&file).unwrap().write_all(second).unwrap();
    };
    assert_eq!(plant.reload(|_| append()).await["outcome"], "ok");
    assert_eq!(plant.versions().await.0, "found by version 2");
}

#[tokio::test]
async fn a_folder_that_is_deleted_and_made_again_is_read_again() {
    let plant = Plant::new();
    let kept = plant.home.path().join("kept");
    let reload = plant.reload(|config| fs::rename(config, &kept).unwrap()).await;
    assert_eq!(reload["outcome"], "failed");
    assert_eq!(plant.versions().await.0, "found by version 1");
    fs::write(kept.join("steady.wasm"), version(STEADY, 2)).unwrap();
    let config = plant.config();
    fs::create_dir(&config).unwrap();
    // Nothing is taken into use before the last of them is there: it names the data folder.
    for name in ["steady.wasm", "viewer.wasm", "scanners.yaml", "scanhost.yaml"] {
        fs::copy(kept.join(name), config.join(name)).unwrap();
    }
    plant.ready_when(|ready| ready["last_reload"]["outcome"] == "ok").await;
    assert_eq!(plant.versions().await.0, "found by version 2");
    // The new folder is watched like the first.
    let reload = plant.reload(|config| replace(&config.join("steady.wasm"), version(STEADY, 3))).await;
    assert_eq!(reload["outcome"], "ok");
    assert_eq!(plant.versions().await.0, "found by version 3");
}
