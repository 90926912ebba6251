//! The documents are true: their commands, transcripts, snippets, paths, links and tables match the program.

#![expect(clippy::unwrap_used, reason = "what fails in a test should end it")]

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    path::PathBuf,
    process::Command,
    thread,
};

use scanhost_it::{output::Output, program::workspace, server::Home};
use serde_json::Value;

const MAIN_README: &str = "README.md";
const PLUGIN_README: &str = "wit/README.md";
const HOST_README: &str = "host/README.md";
const CONFIG_README: &str = "config/README.md";
const RUNBOOK: &str = "config/RUNBOOK.md";

/// The value of every environment variable of a snippet. It is a URL, since some of them have to be one.
const VARIABLE_VALUE: &str = "https://127.0.0.1:8834";

/// The address of the scanner of the example plugin in its README.
const FEED_URL: &str = "http://127.0.0.1:9000";

/// A fenced code block.
#[derive(Debug)]
struct Block {
    language: String,
    text: String,
}

/// Every document in Markdown below this folder.
fn documents_below(folder: &str) -> Vec<String> {
    let mut documents = Vec::new();
    for entry in fs::read_dir(workspace().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{folder}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            documents.extend(documents_below(&name));
        } else if name.ends_with(".md") {
            documents.push(name);
        }
    }
    documents
}

/// The links of a document to other files, without the part after `#`.
fn linked_files(document: &str) -> Vec<String> {
    let text = read(document);
    let links = text.split("](").skip(1).map(|rest| rest.split_once(')').unwrap().0);
    let files = links.filter(|link| !link.contains("://")).map(|link| link.split('#').next().unwrap_or_default());
    files.filter(|file| !file.is_empty()).map(str::to_owned).collect()
}

fn read(document: &str) -> String {
    fs::read_to_string(workspace().join(document)).unwrap()
}

fn blocks(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in read(document).lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(language), None) => open = Some(Block { language: language.to_owned(), text: String::new() }),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{document} has a code block without an end");
    blocks
}

fn blocks_in(document: &str, language: &str) -> Vec<String> {
    let found: Vec<String> =
        blocks(document).into_iter().filter(|block| block.language == language).map(|block| block.text).collect();
    assert!(!found.is_empty(), "{document} has no block in {language}");
    found
}

/// The file that the first line of a block names, such as `# scanners.yaml`.
fn file_name(text: &str) -> &str {
    let first = text.lines().next().unwrap_or_default();
    let name = first.strip_prefix("# ").or_else(|| first.strip_prefix("// "));
    name.unwrap_or_else(|| panic!("the first line should name the file: {first}"))
}

/// The text of the only block that is this file.
fn file_in(document: &str, language: &str, name: &str) -> String {
    let mut found = blocks_in(document, language).into_iter().filter(|text| file_name(text) == name);
    let text = found.next().unwrap_or_else(|| panic!("{document} has no {name}"));
    assert!(found.next().is_none(), "{document} has two of {name}");
    text
}

/// The code spans between single backticks, outside of code blocks.
fn code_spans(document: &str) -> Vec<String> {
    let text = read(document);
    let outside = text.split("\n```").step_by(2);
    outside.flat_map(|part| part.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

/// Splits a command line into words. It supports single quotes, and drops a comment and a redirection.
fn words(line: &str) -> Vec<String> {
    let line = [" # ", " > "].iter().fold(line, |line, end| line.split(end).next().unwrap_or_default());
    let quoted = line.split('\'').enumerate();
    let words = quoted.flat_map(|(index, part)| match index % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    words.collect()
}

/// The arguments of every command `scanhost …` in a document.
fn command_lines(document: &str) -> Vec<Vec<String>> {
    let shell = blocks(document).into_iter().filter(|block| matches!(block.language.as_str(), "sh" | "console"));
    let lines: Vec<String> =
        shell.flat_map(|block| block.text.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    let candidates = lines.into_iter().chain(code_spans(document));
    let arguments = candidates.filter_map(|line| {
        let line = line.strip_prefix("$ ").unwrap_or(&line);
        line.strip_prefix("scanhost ").map(words)
    });
    arguments.collect()
}

fn run(home: &Home, arguments: &[String]) -> Output {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = home.command(&arguments);
    command.env_remove("SCANHOST_LOG").env("XDG_CACHE_HOME", home.data());
    Output::run(command)
}

/// Runs the commands of a transcript in this folder, and compares all that they print.
fn check_transcript(home: &Home, transcript: &str) {
    let commands = transcript.split("$ scanhost ").skip(1);
    for command in commands {
        let (line, expected) = command.split_once('\n').unwrap();
        let output = run(home, &words(line));
        assert_eq!(output.code, Some(0), "{line}: {}", output.stderr);
        let printed = output.stderr + &output.stdout;
        assert_eq!(without_ids(&printed), without_ids(expected), "{line}");
    }
}

fn without_ids(text: &str) -> String {
    let is_id = |word: &str| word.len() == 26 && word.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    let words = text.trim_end().split_inclusive([' ', '\n']);
    words
        .map(|word| if is_id(word.trim_end()) { word.replace(word.trim_end(), "ID") } else { word.to_owned() })
        .collect()
}

/// The names of the variables in the YAML that have no default.
fn variables(yaml: &str) -> impl Iterator<Item = &str> {
    let names = yaml.split("${").skip(1).filter_map(|rest| Some(rest.split_once('}')?.0));
    names.filter(|name| !name.contains(":-"))
}

fn check_loads(files: &[(&str, &str)]) {
    let home = Home::new(files);
    let mut command = home.command(&["config", "check", "--config", "config"]);
    for (_, text) in files {
        command.envs(variables(text).map(|name| (name, VARIABLE_VALUE)));
    }
    let output = Output::run(command);
    assert_eq!(output.code, Some(0), "{files:?}: {}", output.stderr);
}

#[test]
fn every_documented_command_exists() {
    let home = Home::new(&[]);
    for document in [MAIN_README, PLUGIN_README, CONFIG_README, RUNBOOK] {
        let lines = command_lines(document);
        assert!(!lines.is_empty(), "{document} has no command lines");
        for mut arguments in lines {
            arguments.push("--help".to_owned());
            let output = run(&home, &arguments);
            assert_eq!(output.code, Some(0), "{document}: {arguments:?}: {}", output.stderr);
        }
    }
}

#[test]
fn transcripts_equal_the_output_of_the_program() {
    let home = Home::new(&[]);
    std::os::unix::fs::symlink(workspace().join("tests"), home.path().join("tests")).unwrap();
    for transcript in blocks_in(MAIN_README, "console") {
        check_transcript(&home, &transcript);
    }
}

#[test]
fn every_documented_configuration_loads() {
    let scanners = file_in(MAIN_README, "yaml", "scanners.yaml");
    for text in blocks_in(MAIN_README, "yaml") {
        match file_name(&text) {
            "scanners.yaml" => check_loads(&[("scanners.yaml", &text)]),
            name => check_loads(&[("scanners.yaml", &scanners), (name, &text)]),
        }
    }
    let files = ["scanhost.yaml", "scanners.yaml", "profiles.yaml"].map(|name| (name, read(&format!("config/{name}"))));
    check_loads(&files.each_ref().map(|(name, text)| (*name, text.as_str())));
}

// The check also runs nmap with the arguments that the page permits.
#[test]
fn nmap_example_is_valid_and_nmap_answers() {
    let files = ["scanhost.yaml", "scanners.yaml"].map(|name| (name, file_in(CONFIG_README, "yaml", name)));
    check_loads(&files.each_ref().map(|(name, text)| (*name, text.as_str())));
}

// The error about an unknown key lists the known ones.
#[test]
fn configuration_page_names_every_key() {
    let page = read(CONFIG_README);
    let server = [
        "zzzzzz: 1",
        "limits: {zzzzzz: 1}",
        "log: {zzzzzz: 1}",
        "retention: {zzzzzz: 1}",
        "secrets: {zzzzzz: 1}",
        "pools: {mock: {zzzzzz: 1}}",
        "tls: {zzzzzz: 1}",
        "tokens: [{zzzzzz: 1}]",
        "tokens: [{previous: {zzzzzz: 1}}]",
        "redis: {zzzzzz: 1}",
        "credentials: {audit: {zzzzzz: 1}}",
        "commands: {nmap: {zzzzzz: 1}}",
        "commands: {nmap: {program: /usr/bin/nmap, allow: [], limits: {zzzzzz: 1}}}",
        "plugins: {feed: {zzzzzz: 1}}",
        "plugins: {feed: {file: feed.wasm, limits: {zzzzzz: 1}}}",
    ];
    let mock = "mock: [{instance_id: m1}]";
    let scanners = ["mock: [{instance_id: m1, zzzzzz: 1}]", "mock: [{instance_id: m1, tls: {zzzzzz: 1}}]"];
    let of_server = server.iter().map(|text| (*text, mock));
    let of_scanners = scanners.iter().map(|text| ("", *text));
    for (server, scanners) in of_server.chain(of_scanners) {
        let home = Home::new(&[("scanhost.yaml", server), ("scanners.yaml", scanners)]);
        let stderr = Output::run(home.command(&["config", "check", "--config", "config"])).stderr;
        let (_, known) = stderr.split_once("known here: ").unwrap_or_else(|| panic!("{server} {scanners}: {stderr}"));
        for key in known.lines().next().unwrap().split(", ") {
            let is_named = page.contains(&format!("`{key}`")) || page.contains(&format!(".{key}`"));
            assert!(is_named, "{CONFIG_README} does not name {key}");
        }
    }
}

#[test]
fn editor_configuration_is_valid_json() {
    for text in blocks_in(MAIN_README, "json") {
        let entry: Value = serde_json::from_str(&text).unwrap();
        assert!(entry["servers"]["scanhost"]["url"].as_str().unwrap().ends_with("/mcp"), "{entry}");
    }
}

#[test]
fn every_named_path_exists() {
    // Paths with these prefixes belong to the running system, to folders of the reader, or to the protocol.
    let foreign_prefixes = [
        "/",
        "./",
        "../scanhost",
        "target/",
        "data/",
        "file:",
        "http:",
        "io.modelcontextprotocol/",
        "notifications/",
        "{",
    ];
    let mut checked = 0;
    let mut documents = [MAIN_README, PLUGIN_README, HOST_README, CONFIG_README, RUNBOOK].map(str::to_owned).to_vec();
    for folder in ["host/docs", ".github"] {
        let found = documents_below(folder);
        assert!(found.len() > 2, "{folder} has too few documents: {found:?}");
        documents.extend(found);
    }
    for document in &documents {
        let folder = workspace().join(document).parent().unwrap().to_owned();
        let linked = linked_files(document).into_iter().map(|file| folder.join(file));
        let spans = code_spans(document).into_iter();
        let is_path = |span: &String| {
            (span.contains('/') || span.ends_with(".toml"))
                && !span.contains(char::is_whitespace)
                && !span.contains("://")
                && !foreign_prefixes.iter().any(|prefix| span.starts_with(prefix))
        };
        let named = spans.filter(is_path).map(|span| workspace().join(span));
        let paths: Vec<PathBuf> = linked.chain(named).collect();
        checked += paths.len();
        for path in paths {
            assert!(path.exists(), "{document} names {}", path.display());
        }
    }
    assert!(checked > 30, "the documents name too few paths: {checked}");
}

#[tokio::test]
async fn table_of_tools_equals_the_tool_list() {
    let server = Home::new(&[("scanners.yaml", "mock: [{instance_id: mock1}]")]).start();
    let listed: Vec<String> =
        server.mcp().list_tools().await.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect();
    let text = read(MAIN_README);
    let (_, table) = text.split_once("| tool |").unwrap();
    let rows = table.lines().skip(2).map_while(|line| line.strip_prefix("| `"));
    let named: Vec<&str> = rows.map(|row| row.split_once('`').unwrap().0).collect();
    assert_eq!(named, listed);
}

// The table has the type of each field, and the smallest profile that shows it.
#[test]
fn table_of_fields_equals_the_standard_fields() {
    let home = Home::new(&[]);
    let report = workspace().join("tests/fixtures/lab_four_hosts.nessus");
    let shown = |profile: &str| -> Vec<String> {
        let mut command = home.command(&["report", "--profile", profile, "--format", "csv"]);
        let header = Output::run({
            command.arg(&report);
            command
        });
        header.stdout.lines().next().unwrap().split(',').map(str::to_owned).collect()
    };
    let profiles = ["minimal", "summary", "brief"].map(|profile| (profile, shown(profile)));
    let shown_from = |name: &str| {
        let first = profiles.iter().find(|(_, fields)| fields.iter().any(|field| field == name));
        first.map_or("full", |(profile, _)| *profile)
    };
    let mut known: Vec<String> = scanhost_domain::field::STANDARD
        .iter()
        .map(|field| format!("{} {} {}", shown_from(field.name), field.field_type, field.name))
        .collect();
    let text = read(PLUGIN_README);
    let (_, table) = text.split_once("| shown from | type | fields |\n").unwrap();
    let rows = table.lines().skip(1).map_while(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let mut named: Vec<String> = rows
        .flat_map(|row| {
            let [profile, field_type, names] = row.split(" | ").collect::<Vec<_>>()[..] else { panic!("{row}") };
            names.split(", ").map(move |name| format!("{profile} {field_type} {}", name.trim_matches('`')))
        })
        .collect();
    known.sort();
    named.sort();
    assert_eq!(named, known);
}

// The test changes nothing in the example but the port of the scanner.
#[test]
fn example_plugin_builds_loads_and_runs() {
    let url = serve(example_findings());
    let scanners = file_in(PLUGIN_README, "yaml", "scanners.yaml").replace(FEED_URL, &url);
    assert!(scanners.contains(&url), "{PLUGIN_README} has another address than {FEED_URL}");
    let home =
        Home::new(&[("scanhost.yaml", &file_in(PLUGIN_README, "yaml", "scanhost.yaml")), ("scanners.yaml", &scanners)]);
    fs::copy(build_example(&home), home.config().join("feed.wasm")).unwrap();
    for transcript in blocks_in(PLUGIN_README, "console") {
        check_transcript(&home, &transcript);
    }
}

fn example_findings() -> String {
    blocks_in(PLUGIN_README, "csv").remove(0)
}

fn build_example(home: &Home) -> PathBuf {
    let command = blocks_in(PLUGIN_README, "sh").concat();
    let new = command.lines().find_map(|line| line.strip_prefix("scanhost ")).unwrap();
    let made = run(home, &words(new));
    assert_eq!(made.code, Some(0), "{made:?}");
    let folder = home.path().join("feed");
    fs::write(folder.join("src/lib.rs"), file_in(PLUGIN_README, "rust", "src/lib.rs")).unwrap();
    // The build is offline, so it uses the versions of this workspace.
    fs::copy(workspace().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let build = command.lines().find_map(|line| line.strip_prefix("cargo ")).unwrap();
    let target = target_folder().join("example-plugin");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(&folder).args(words(build)).args(["--quiet", "--offline", "--target-dir"]).arg(&target);
    let built = cargo.output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let component = code_spans(PLUGIN_README).into_iter().find(|span| span.ends_with("/feed.wasm")).unwrap();
    target.join(component.strip_prefix("target/").unwrap())
}

/// The folder `<target>`. A test runs from `<target>/<profile>/deps`.
fn target_folder() -> PathBuf {
    env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned()
}

/// Starts a web server that answers every request with this text, and returns its address. It ends with the test.
fn serve(body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut connection in listener.incoming().map_while(Result::ok) {
            let request = BufReader::new(connection.try_clone().unwrap());
            let head: Vec<String> = request.lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            let answer =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
            // The client may have closed the connection.
            let _gone = connection.write_all(if head.is_empty() { b"" } else { answer.as_bytes() });
        }
    });
    url
}
