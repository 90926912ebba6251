use std::{fs, path::Path, time::Duration};

use super::*;

mod problems;

const SCANNERS: &str = "mock: [{instance_id: mock1}]\n";

fn environment(name: &str) -> Option<String> {
    let value = match name {
        "EMPTY" => "",
        "TWO" => "2",
        "YES" => "true",
        "WORD" => "word",
        "STRUCTURE" => "[a, b]\nlisten: 1.2.3.4:5 # ${WORD}",
        "CI_TOKEN" | "NESSUS_ACCESS_KEY" | "NESSUS_SECRET_KEY" => "s3cret-of-the-environment",
        _ => return None,
    };
    Some(value.to_owned())
}

/// Makes a folder of these files. `{folder}` in them is its path.
fn folder_of(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text.replace("{folder}", path)).unwrap();
    }
    folder
}

fn load(files: &[(&str, &str)]) -> Result<Config, Problems> {
    Config::load(Some(folder_of(files).path()), &environment)
}

fn check_warnings(files: &[(&str, &str)], expected: &[&str]) {
    let mut shown: Vec<String> =
        Config::examine(Some(folder_of(files).path()), &environment).warnings.iter().map(ToString::to_string).collect();
    shown.sort();
    assert_eq!(shown, expected, "for {files:?}");
}

fn check_problems(files: &[(&str, &str)], expected: &[&str]) {
    let shown = match load(files) {
        Ok(_) => String::new(),
        Err(problems) => problems.to_string(),
    };
    assert_eq!(shown.lines().collect::<Vec<_>>(), expected, "for {files:?}");
}

fn server(text: &str) -> Config {
    load(&[("scanhost.yaml", text), ("scanners.yaml", SCANNERS)]).unwrap_or_else(|problems| panic!("{problems}"))
}

fn scanners(text: &str) -> Config {
    load(&[("scanners.yaml", text)]).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn invalid_yaml_in_one_file_hides_no_problem_of_the_others() {
    let problems = load(&[
        ("scanhost.yaml", "listen: [1\n"),
        ("scanners.yaml", "mock: [{instance_id: }]"),
        ("profiles.yaml", "a: {fields: all}\n---\nb: {fields: all}"),
    ]);
    let shown = problems.unwrap_err().to_string();
    let files: Vec<&str> = shown.lines().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(files, ["profiles.yaml", "scanhost.yaml", "scanners.yaml"], "{shown}");
}

#[test]
fn missing_large_and_non_utf8_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let shown = |folder: &Path| Config::load(Some(folder), &environment).unwrap_err().to_string();
    assert!(shown(folder.path()).starts_with("scanners.yaml: cannot be read from "), "{}", shown(folder.path()));
    fs::write(folder.path().join("scanners.yaml"), b"mock: \xff").unwrap();
    assert!(shown(folder.path()).contains("UTF-8"), "{}", shown(folder.path()));
    fs::write(folder.path().join("scanners.yaml"), " ".repeat(5 << 20)).unwrap();
    assert!(shown(folder.path()).contains("larger than"), "{}", shown(folder.path()));
}

#[test]
fn deeply_nested_and_exponential_yaml_is_refused() {
    let deep = format!("a: {}", "[".repeat(100_000));
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n\
                d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e]";
    for text in [&deep, bomb] {
        let problems = load(&[("scanners.yaml", text)]).unwrap_err();
        assert!(problems.to_string().len() < 10_000, "{problems}");
    }
}

#[test]
fn variables_are_filled_in_anywhere_in_a_value() {
    let table = [
        ("${WORD}", "word"),
        ("'${WORD}'", "word"),
        ("a-${WORD}-b${TWO}", "a-word-b2"),
        ("${ABSENT:-x}", "x"),
        ("${EMPTY:-x}", "x"),
        ("a${EMPTY}b", "ab"),
        ("${ABSENT:-${WORD}s}", "words"),
        ("${ABSENT:-${MISSING:-https://h:1/p}}", "https://h:1/p"),
        ("$WORD $$ $", "$WORD $$ $"),
        ("$${WORD}", "${WORD}"),
        ("'${STRUCTURE}'", "[a, b]\nlisten: 1.2.3.4:5 # ${WORD}"),
        ("${STRUCTURE}", "[a, b]\nlisten: 1.2.3.4:5 # ${WORD}"),
        ("x # ${ABSENT}", "x"),
        ("${TWO}", "2"),
        ("|\n      ${WORD}\n", "word\n"),
    ];
    for (written, expected) in table {
        let config = scanners(&format!("mock:\n  - instance_id: a\n    name: {written}\n"));
        assert_eq!(config.pools[0].scanners[0].name, expected, "for {written}");
    }
}

#[test]
fn variables_take_the_type_that_is_wanted() {
    let config = scanners(
        "mock:\n  - instance_id: a\n    max_concurrent_scans: ${N:-7}\n    enabled: \"${YES}\"\n    options:\n      \
         n: ${TWO}\n      f: ${F:-0.5}\n      b: ${YES}\n      t: \"${TWO}\"\n      w: ${WORD}\n      z: ${Z:-007}\n",
    );
    let scanner = &config.pools[0].scanners[0];
    assert_eq!((scanner.max_concurrent_scans, scanner.enabled), (7, true));
    assert_eq!(scanner.options, r#"{"n":2,"f":0.5,"b":true,"t":"2","w":"word","z":"007"}"#);
    let config = server("limits: {poll_seconds: \"${P:-0.5}\", page_bytes: \"${B:-2048}\"}");
    assert_eq!((config.limits.poll, config.limits.page_bytes), (Duration::from_millis(500), 2048));
}

#[test]
fn problems_of_variables_name_line_and_key() {
    let scanner = |text: &str| format!("mock:\n  - instance_id: a\n    {text}\n");
    let table: &[(&str, &[&str])] = &[
        (
            "name: a${NO_1}b${NO_2}",
            &[
                "scanners.yaml:3: mock[0].name: the environment variable NO_1 is not set",
                "scanners.yaml:3: mock[0].name: the environment variable NO_2 is not set",
            ],
        ),
        (
            "nonsense: {x: \"${NO}\"}",
            &[
                "scanners.yaml:3: mock[0].nonsense: unknown key; known here: instance_id, backend, name, url, auth, tls, \
             headers, enabled, max_concurrent_scans, limits, scan_types, options",
                "scanners.yaml:3: mock[0].nonsense.x: the environment variable NO is not set",
            ],
        ),
        (
            "max_concurrent_scans: ${WORD}",
            &["scanners.yaml:3: mock[0].max_concurrent_scans: must be a whole number, but is text"],
        ),
        (
            "auth: {access_key: \"${NO}\", secret_key: k}",
            &["scanners.yaml:3: mock[0].auth.access_key: the environment variable NO is not set"],
        ),
        ("name: ${WORD", &["scanners.yaml:3: mock[0].name: `${` has no closing `}` (a literal `${` is written `$${`)"]),
        (
            "name: ${WORD-x}",
            &["scanners.yaml:3: mock[0].name: `${…}` must be `${NAME}` or `${NAME:-default}` (a literal `${` is \
             written `$${`)"],
        ),
        (
            "\"${WORD}\": 1",
            &[
                "scanners.yaml:3: mock[0].${WORD}: unknown key; known here: instance_id, backend, name, url, auth, tls, \
             headers, enabled, max_concurrent_scans, limits, scan_types, options",
            ],
        ),
    ];
    for (text, expected) in table {
        check_problems(&[("scanners.yaml", &scanner(text))], expected);
    }
    check_problems(
        &[("scanners.yaml", "n: [{instance_id: a, auth: {access_key: ${NO}, secret_key: k}}]")],
        &["scanners.yaml:1: while parsing a flow mapping, did not find expected ',' or '}' (inside `{…}` and `[…]` a \
           value with `${…}` has to be in quotes)"],
    );
    let nested = format!("name: {}{}", "${NO:-".repeat(20), "}".repeat(20));
    check_problems(
        &[("scanners.yaml", &scanner(&nested))],
        &["scanners.yaml:3: mock[0].name: defaults of variables are nested more than 8 deep"],
    );
}

#[test]
fn secrets_and_certificates_are_read_from_files() {
    let config = load(&[
        ("secret", "p4ss word\n"),
        ("key", "-----BEGIN\np4ss\n"),
        ("ca.pem", "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"),
        (
            "scanhost.yaml",
            "credentials: {a: {ssh_username: u, ssh_private_key: 'file:{folder}/key', ssh_passphrase: \
                           'file:{folder}/secret'}}",
        ),
        ("scanners.yaml", "mock: [{instance_id: a, tls: {ca_file: ca.pem}}]"),
    ]);
    let config = config.unwrap_or_else(|problems| panic!("{problems}"));
    let credential = config.credentials.values().next().unwrap();
    let CredentialLogin::PrivateKey { key, passphrase: Some(passphrase) } = &credential.login else {
        panic!("{credential:?}")
    };
    assert_eq!((key.expose(), passphrase.expose()), ("-----BEGIN\np4ss\n", "p4ss word"));
    assert!(
        matches!(&config.pools[0].scanners[0].tls, Tls::Verify { ca_file: Some(pem) } if pem.starts_with(b"-----"))
    );
    let names = config.sources().iter().map(|path| path.file_name().unwrap().to_str().unwrap());
    assert_eq!(
        names.collect::<Vec<_>>(),
        ["ca.pem", "key", "profiles.yaml", "scanhost.yaml", "scanners.yaml", "secret"]
    );
    let shown = format!("{config:?}");
    assert!(!shown.contains("p4ss"), "{shown}");
}

#[test]
fn secrets_never_stand_in_problems() {
    let problems = load(&[
        ("scanhost.yaml", "store: 'redis//hunter2'\ntokens: [{name: a, scopes: [scan:read], token: 'hunter2 x'}]"),
        (
            "scanners.yaml",
            "n: [{instance_id: a, url: 'https://u:hunter2@h:x', auth: {access_key: 'a${hunter2', secret_key: \
             [hunter2]}, headers: {a: \"hunter2\\n\"}}]",
        ),
    ])
    .unwrap_err();
    assert_eq!(problems.iter().count(), 6, "{problems}");
    assert!(!problems.to_string().contains("hunter2"), "{problems}");
}

#[test]
fn configuration_without_a_folder_has_a_mock_scanner() {
    let config = Config::load(None, &|_| None).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8836");
    assert!(matches!(config.store, StoreKind::Embedded));
    assert_eq!((config.data.to_str(), config.key_file.to_str()), (Some("./data"), Some("./data/secret.key")));
    assert_eq!(config.default_pool.as_str(), "mock");
    let scanner = &config.pools[0].scanners[0];
    assert_eq!((scanner.instance_id.as_str(), scanner.backend.as_str(), &*scanner.name), ("mock1", "mock", "mock1"));
    assert_eq!((scanner.enabled, scanner.max_concurrent_scans, &*scanner.options), (true, 2, "{}"));
    let ScannerLimits { requests_per_minute, answer, answer_bytes, report_bytes } = scanner.limits;
    assert_eq!((requests_per_minute, answer, answer_bytes), (None, Duration::from_secs(25), 32 << 20));
    assert_eq!(report_bytes, 16 << 30);
    assert_eq!(profile_names(&config), ["minimal", "summary", "brief", "full"]);
    assert_eq!(config.profiles[3].definition, r#"{"fields":"all"}"#);
    assert!(config.sources().is_empty());
}

#[test]
fn missing_keys_have_the_defaults_of_the_contract() {
    let config = scanners("nessus_dmz: [{instance_id: a}]\nmock: []\n");
    assert_eq!(config.default_pool.as_str(), "nessus_dmz");
    assert_eq!(config.pools[0].scanners[0].backend.as_str(), "nessus");
    assert_eq!((config.pools[0].max_depth, config.pools[0].balance), (100_000, Balance::LeastLoaded));
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    let limits = Limits {
        scan: hours(24),
        page_bytes: 65_536,
        all_bytes: 10_485_760,
        request_bytes: 4_194_304,
        poll: Duration::from_secs(30),
        calls: CallLimits { per_minute: None, at_once: None },
        connections: 4_096,
        idle: Duration::from_secs(60),
    };
    assert_eq!(config.limits, limits);
    let retention = Retention {
        completed: hours(7 * 24),
        failed: hours(30 * 24),
        idempotency: hours(48),
        most_bytes: None,
        audit: hours(90 * 24),
    };
    assert_eq!(config.retention, retention);
}

#[test]
fn calls_are_limited_by_default_only_with_tokens() {
    let with = |yaml: &str| {
        let calls = load(&[("scanhost.yaml", yaml), ("scanners.yaml", SCANNERS)]).unwrap().limits.calls;
        (calls.per_minute.map_or(0, |n| n.get()), calls.at_once.map_or(0, |n| n.get()))
    };
    let token = "tokens: [{name: a, scopes: ['scan:read'], token: t}]\n";
    let table = [
        ("", (0, 0)),
        ("limits: {calls_per_minute: 7}", (7, 0)),
        (token, (600, 2_000)),
        (&*format!("{token}limits: {{calls_per_minute: 7, concurrent_calls: 3}}"), (7, 3)),
    ];
    for (yaml, expected) in table {
        assert_eq!(with(yaml), expected, "{yaml}");
    }
}

#[test]
fn profile_replaces_the_built_in_one_of_its_name() {
    let config = load(&[
        ("scanhost.yaml", "plugins: {triage: {file: triage.wasm}}"),
        ("scanners.yaml", SCANNERS),
        ("profiles.yaml", "soc: {fields: [host]}\nbrief: {fields: [port]}\ntriage: {levels: 3}"),
    ])
    .unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(profile_names(&config), ["minimal", "summary", "brief", "full", "soc", "triage"]);
    assert_eq!(config.profiles[2].definition, r#"{"fields":["port"]}"#);
    assert_eq!(config.profiles[2].place, Some(super::problem::Position { line: 2, column: 1 }));
    assert_eq!(config.profiles[5].definition, r#"{"levels":3}"#);
}

#[test]
fn listening_beyond_loopback_needs_tokens() {
    let everywhere: SocketAddr = "0.0.0.0:1".parse().unwrap();
    let mapped: SocketAddr = "[::ffff:127.0.0.1]:1".parse().unwrap();
    let closed = server("tokens: [{name: a, scopes: [scan:read], token: t}]\nlisten: 0.0.0.0:80");
    assert_eq!(closed.listen_on(everywhere).unwrap().listen, everywhere);
    assert_eq!(server("").listen_on(everywhere).unwrap_err(), Exposed(everywhere));
    assert_eq!(server("").listen_on(mapped).unwrap().listen, mapped);
}

#[test]
fn example_of_the_contract_loads() {
    let config = load(&[
        ("secret", "password"),
        ("ca.pem", "-----BEGIN CERTIFICATE-----\n"),
        ("scanhost.yaml", include_str!("tests/scanhost.yaml")),
        ("scanners.yaml", include_str!("tests/scanners.yaml")),
        ("profiles.yaml", include_str!("tests/profiles.yaml")),
    ]);
    let config = config.unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.default_pool.as_str(), "nessus");
    let scanner = &config.pools[0].scanners[0];
    assert_eq!(scanner.url.as_ref().unwrap().as_str(), "https://127.0.0.1:8834/");
    assert_eq!(scanner.auth.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["access_key", "secret_key"]);
    let options = r#"{"duration_seconds":5,"hosts":3,"findings_per_host":20,"fail_at":"none"}"#;
    assert_eq!(config.pools[1].scanners[0].options, options);
    let soc = r#"{"fields":["host","port","plugin_name","severity","cvss_score","solution"],"filters":{"severity":">=Medium"},"order":["-cvss_score","host"]}"#;
    assert_eq!(config.profiles[4].definition, soc);
    assert!(config.plugins["openvas"].file.ends_with("openvas.wasm"));
}

#[test]
fn example_configuration_loads_without_any_variable() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config");
    let config = Config::load(Some(&folder), &|_| None).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(profile_names(&config), ["minimal", "summary", "brief", "full", "soc", "hosts"]);
    let pools = config.pools.iter().map(|pool| pool.name.as_str());
    assert_eq!(pools.collect::<Vec<_>>(), ["nessus", "mock"]);
}

fn profile_names(config: &Config) -> Vec<&str> {
    config.profiles.iter().map(|profile| profile.name.as_str()).collect()
}
