//! `config check`: it reports all problems at once, each with its file, line and key.

use scanhost_it::{output::Output, redis::Redis, server::Home};

use crate::{MOCK, run};

fn check(home: &Home) -> Output {
    let config = home.config().display().to_string();
    run(home, &["config", "check", "--config", &config])
}

#[test]
fn valid_configuration_is_ok() {
    let home = Home::new(&[("scanners.yaml", MOCK), ("profiles.yaml", "soc: {fields: [host], order: [host]}")]);
    let output = check(&home);
    assert_eq!((output.code, output.stderr.as_str()), (Some(0), ""));
    assert!(output.stdout.starts_with("ok"), "{}", output.stdout);
}

#[test]
fn default_configuration_is_valid() {
    let home = Home::new(&[]);
    assert_eq!(run(&home, &["config", "check"]).code, Some(0));
}

#[test]
fn every_problem_has_its_file_line_and_key() {
    let scanners = "mock:\n- instance_id: m1\n  max_concurrent_scans: many\n- instance_id: m1\n  enabeld: true\n\
        nessus:\n- instance_id: n1\n  url: ftp://10.0.0.1\n  auth: {access_key: '${NO_SUCH_VARIABLE}', secret_key: x}\n";
    let server = "lisen: 127.0.0.1:1\nlimits:\n  poll_seconds: often\n";
    let home = Home::new(&[
        ("scanners.yaml", scanners),
        ("scanhost.yaml", server),
        ("profiles.yaml", "soc: {feilds: [host]}\n"),
    ]);
    let output = check(&home);
    assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""));
    // `scanhost.yaml` begins with the line that the home adds.
    let expected = [
        ["scanners.yaml:3", "mock[0].max_concurrent_scans"],
        ["scanners.yaml:4", "mock[1].instance_id"],
        ["scanners.yaml:5", "mock[1].enabeld"],
        ["scanners.yaml:8", "nessus[0].url"],
        ["scanners.yaml:9", "NO_SUCH_VARIABLE"],
        ["scanhost.yaml:2", "lisen"],
        ["scanhost.yaml:4", "limits.poll_seconds"],
        ["profiles.yaml:1", "soc"],
    ];
    for [place, key] in expected {
        let is_reported = output.stderr.lines().any(|line| line.contains(place) && line.contains(key));
        assert!(is_reported, "{place} {key} is not reported:\n{}", output.stderr);
    }
}

#[test]
fn invalid_yaml_is_reported_with_its_file() {
    let home = Home::new(&[("scanners.yaml", "mock:\n- {instance_id: m1\nnessus: [")]);
    let output = check(&home);
    assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""));
    assert!(output.stderr.contains("scanners.yaml:"), "{}", output.stderr);
}

#[test]
fn problems_of_plugins_and_filters_have_their_key() {
    let table = [
        (
            "mock: [{instance_id: m1, options: {duration_seconds: soon}}]",
            "",
            "scanners.yaml:1: mock.m1",
            "duration_seconds",
        ),
        ("mock: [{instance_id: m1, options: {colour: blue}}]", "", "scanners.yaml:1: mock.m1", "colour"),
        ("mock: [{instance_id: m1, backend: nosuch}]", "", "scanners.yaml:1: mock.m1", "nosuch"),
        (MOCK, "soc: {fields: [host], filters: {severity: urgent}}", "profiles.yaml:1: soc", "severity"),
        (MOCK, "soc: {fields: [host], filters: {cve: ''}}", "profiles.yaml:1: soc", "cve"),
        (MOCK, "soc: {fields: [host, host]}", "profiles.yaml:1: soc", "host"),
    ];
    for (scanners, profiles, place, key) in table {
        let home = Home::new(&[("scanners.yaml", scanners), ("profiles.yaml", profiles)]);
        let output = check(&home);
        assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""), "{scanners} {profiles}");
        let is_reported = output.stderr.lines().any(|line| line.contains(place) && line.contains(key));
        assert!(is_reported, "{place} {key} is not reported:\n{}", output.stderr);
    }
}

#[test]
fn missing_config_folder_is_an_error() {
    let home = Home::new(&[]);
    for command in [&["config", "check"][..], &["serve"], &["stdio"], &["scan", "--targets", "10.0.0.1"]] {
        let output = run(&home, &[command, &["--config", "nowhere"]].concat());
        assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""), "{command:?}");
        assert!(output.stderr.contains("nowhere") || output.stderr.contains("scanners.yaml"), "{}", output.stderr);
    }
}

#[test]
fn server_refuses_an_invalid_configuration() {
    let home = Home::new(&[("scanners.yaml", "mock: [{instance_id: m1, colour: blue}]")]);
    let config = home.config().display().to_string();
    for command in ["serve", "stdio"] {
        let output = run(&home, &[command, "--config", &config]);
        assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""), "{command}");
        assert!(output.stderr.contains("scanners.yaml:1: mock[0].colour"), "{}", output.stderr);
    }
}

#[test]
fn likely_mistakes_are_warnings() {
    let home = Home::new(&[
        ("scanners.yaml", MOCK),
        ("scanhost.yaml", "tokens: [{name: ops, scopes: ['scan:admin'], token: abcdefgh}]\n"),
        (
            "profiles.yaml",
            "soc:\n  fields: [host, prot]\n  filters: {severty: High, compliance-result: FAILED}\n  order: [-scor, host]\n\
             hosts: {fields: [host, worst], group: {by: [host], fields: {worst: {highest: severity}}}, order: [-worst]}\n",
        ),
    ]);
    let output = check(&home);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let warnings: Vec<&str> = output.stderr.lines().collect();
    assert_eq!(warnings.len(), 4, "a field that a backend declares is known: {warnings:?}");
    assert!(warnings[0].starts_with("warning: scanhost.yaml:2: tokens[0].scopes: the token `ops`"), "{warnings:?}");
    let place = "warning: profiles.yaml:1: soc.filters: the field \"severty\" is not known; did you mean `severity`?";
    assert!(
        warnings[1].contains("soc.fields: the field \"prot\" is not known; did you mean `protocol`?"),
        "{warnings:?}"
    );
    assert!(warnings[2].starts_with(place), "{warnings:?}");
    assert!(warnings[3].contains("soc.order: the field \"scor\" is not known"), "{warnings:?}");
    let config = home.config().display().to_string();
    let output = run(&home, &["config", "check", "--json", "--config", &config]);
    let answer: serde_json::Value = serde_json::from_str(&output.stdout).expect("JSON");
    assert_eq!((&answer["ok"], answer["warnings"].as_array().map(Vec::len)), (&true.into(), Some(4)));
}

#[test]
fn problems_of_files_and_plugins_are_reported_together() {
    let home = Home::new(&[
        ("scanners.yaml", "mock: [{instance_id: m1, options: {colour: blue}}]"),
        ("scanhost.yaml", "limits: {poll_seconds: often}\n"),
        ("profiles.yaml", "soc: {fields: [host], filters: {severity: urgent}}"),
    ]);
    let output = check(&home);
    assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""));
    for expected in ["scanhost.yaml:2: limits.poll_seconds", "scanners.yaml:1: mock.m1", "profiles.yaml:1: soc"] {
        assert!(output.stderr.contains(expected), "{expected}: {}", output.stderr);
    }
    home.write("profiles.yaml", "soc:\n  fields: [host]\n  foo: 1\n");
    let stderr = check(&home).stderr;
    let about_foo: Vec<&str> = stderr.lines().filter(|line| line.contains("foo")).collect();
    assert_eq!(about_foo.len(), 1, "{stderr}");
    assert!(about_foo[0].contains("profiles.yaml:3: soc.foo: unknown key"), "{stderr}");
}

#[test]
fn problem_of_a_plugin_hides_none_elsewhere_and_causes_no_other() {
    let home = Home::new(&[
        (
            "scanners.yaml",
            "mock:\n- {instance_id: m1, options: {colour: blue}}\nfeed:\n- {instance_id: f1}\n\
             broken:\n- {instance_id: b1}\nnessus:\n- {instance_id: n1, url: 'ftp://10.0.0.1'}\n",
        ),
        (
            "scanhost.yaml",
            "plugins:\n  feed: {file: absent.wasm}\n  broken: {sha256: zz}\ncommands:\n  tool:\n    program: /nowhere/tool\n    \
             allow: []\n",
        ),
        (
            "profiles.yaml",
            "soc: {fields: [host], filters: {severity: urgent}}\nown: {feilds: [host]}\nfeed: {levels: 3}\n",
        ),
    ]);
    let output = check(&home);
    assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""));
    let places: Vec<&str> = output.stderr.trim_start_matches("scanhost: ").lines().collect();
    let expected = [
        "profiles.yaml:1: soc: ",
        "profiles.yaml:2: own.feilds: unknown key; did you mean `fields`?",
        "scanhost.yaml:3: plugins.feed: ",
        "scanhost.yaml:4: plugins.broken.file: is required",
        "scanhost.yaml:4: plugins.broken.sha256: must be a SHA-256 as 64 hexadecimal digits",
        "scanhost.yaml:7: commands.tool.program: /nowhere/tool does not exist: install the program, or correct the path",
        "scanners.yaml:2: mock.m1: ",
        "scanners.yaml:8: nessus[0].url: must begin with http:// or https:// and a host",
    ];
    assert_eq!(places.len(), expected.len(), "{}", output.stderr);
    for (place, expected) in places.iter().zip(expected) {
        assert!(place.starts_with(expected), "{expected}: {}", output.stderr);
    }
}

#[test]
fn data_folder_that_cannot_exist_is_a_problem_and_is_not_made() {
    let home = Home::new(&[("scanners.yaml", MOCK)]);
    let file = home.config().join("scanners.yaml").canonicalize().expect("the file is there");
    let (file, below) = (file.display(), file.join("data"));
    home.write("scanhost.yaml", &format!("data: {file}\n"));
    let expected = format!("scanhost: scanhost.yaml:1: data: {file} is not a folder: name another path\n");
    assert_eq!(check(&home).stderr, expected);
    home.write("scanhost.yaml", &format!("data: {}\n", below.display()));
    let expected = format!(
        "scanhost: scanhost.yaml:1: data: the folder {} cannot be created, since {file} is not a folder: name another \
         path\n",
        below.display()
    );
    assert_eq!(check(&home).stderr, expected);
    let absent = home.path().join("absent");
    home.write("scanhost.yaml", &format!("data: {}\n", absent.display()));
    assert_eq!((check(&home).code, absent.exists()), (Some(0), false));
}

#[test]
fn program_that_cannot_run_is_a_problem() {
    let home = Home::new(&[("scanners.yaml", MOCK)]);
    let config = home.config();
    for (program, reason) in [
        (config.join("absent"), "does not exist: install the program, or correct the path"),
        (config.clone(), "is not a file: name the program itself"),
        (
            config.join("scanners.yaml"),
            "is not executable for this user: set its permissions with chmod, or correct the path",
        ),
    ] {
        let program = program.display();
        home.write("scanhost.yaml", &format!("commands:\n  tool:\n    program: {program}\n    allow: []\n"));
        let output = check(&home);
        let expected = format!("scanhost: scanhost.yaml:4: commands.tool.program: {program} {reason}\n");
        assert_eq!((output.code, output.stderr), (Some(1), expected));
    }
}

#[test]
fn connect_asks_scanners_and_redis() {
    let redis = Redis::new();
    let scanners = |more: &str| format!("mock: [{{instance_id: m1, options: {{duration_seconds: 0}}}}]\n{more}");
    let home = Home::new(&[("scanners.yaml", &scanners("")), ("scanhost.yaml", &format!("store: {}\n", redis.url()))]);
    let config = home.config().display().to_string();
    let connect = || run(&home, &["config", "check", "--connect", "--json", "--config", &config]);
    let json = |output: &Output| serde_json::from_str::<serde_json::Value>(&output.stdout).expect("JSON");
    let output = connect();
    assert_eq!(output.code, Some(0), "{output:?}");
    let answer = json(&output);
    let scanner = &answer["scanners"][0];
    assert_eq!(
        (&scanner["pool"], &scanner["instance_id"], &scanner["up"]),
        (&"mock".into(), &"m1".into(), &true.into())
    );

    drop(redis);
    let down = "nessus: [{instance_id: n1, url: 'http://127.0.0.1:1', auth: {access_key: a, secret_key: s}}]\n";
    home.write("scanners.yaml", &scanners(down));
    let output = connect();
    assert_eq!(output.code, Some(1), "{output:?}");
    let answer = json(&output);
    let problems: Vec<&str> =
        answer["problems"].as_array().expect("problems").iter().filter_map(|p| p.as_str()).collect();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].starts_with("scanhost.yaml:2: store: Redis cannot be used: "), "{problems:?}");
    assert!(problems[1].starts_with("scanners.yaml:2: nessus.n1: "), "{problems:?}");
    let up: Vec<_> = answer["scanners"].as_array().expect("scanners").iter().map(|scanner| &scanner["up"]).collect();
    assert_eq!(up, [&serde_json::json!(true), &serde_json::json!(false)]);
    let sentences = run(&home, &["config", "check", "--connect", "--config", &config]).stdout;
    assert!(sentences.contains("mock/m1: up") && sentences.contains("nessus/n1: down: "), "{sentences}");
}
