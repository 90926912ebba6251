//! The script that an author ships beside a plugin: what the scanner answers, and what a report contains.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde_json::Value as Json;

/// The script, as YAML.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Script {
    /// The scanner's `options` in the configuration.
    pub options: serde_json::Map<String, Json>,
    /// The entry of a profile in `profiles.yaml`.
    pub definition: serde_json::Map<String, Json>,
    /// What the scanner answers in every scenario, after the scenario's own routes. The first match wins.
    pub routes: Vec<Route>,
    pub scenarios: BTreeMap<ScenarioName, Scenario>,
    /// The answers of commands, by the names of the commands.
    pub commands: BTreeMap<String, String>,
    /// A native report, in a file beside the script.
    pub report: Option<PathBuf>,
    /// What the report contains.
    pub expect: Option<Expect>,
    /// Whether requests carry the targets in a form that the kit cannot recognise, such as compressed.
    pub targets_hidden: bool,
}

/// The state of the kit's one scan at the scanner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScenarioName {
    /// The scan was never created.
    Absent,
    Created,
    Running,
    Completed,
    /// The scan ended early.
    Failed,
    /// The scan was deleted at the scanner.
    Gone,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scenario {
    /// Seconds since the launch, for scanners whose answers depend on the time.
    pub after_seconds: u32,
    /// Options that replace those of the script, for scanners that options control.
    pub options: Option<serde_json::Map<String, Json>>,
    pub routes: Vec<Route>,
    /// The state of the scan's program, for a scanner that is a program.
    pub program: Option<ProgramRun>,
}

/// A program that was started for the scan.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProgramRun {
    /// The exit code; without one the program still runs.
    pub exited: Option<u8>,
    /// What the program has written so far: the bytes of a file beside the script.
    pub output: Option<PathBuf>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The method and the path, such as `GET /scans/*`. A path without `?` matches with any query.
    pub request: String,
    #[serde(default)]
    pub answer: Option<Answer>,
    /// Answers that are given one after the other; the last one is repeated.
    #[serde(default)]
    pub answers: Vec<Answer>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    #[serde(default = "ok")]
    pub status: u16,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// In its texts `{task_id}` and `{installation}` are filled in, and `{sent:/settings/name}` is the value at this
    /// JSON pointer in the body of an earlier request.
    #[serde(default)]
    pub json: Option<Json>,
    #[serde(default)]
    pub text: Option<String>,
    /// The bytes of a file beside the script.
    #[serde(default)]
    pub file: Option<PathBuf>,
}

fn ok() -> u16 {
    200
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    pub hosts: u32,
    pub findings: u64,
}

impl Answer {
    pub fn status(status: u16) -> Self {
        Self { status, headers: BTreeMap::new(), json: None, text: None, file: None }
    }

    pub fn text(status: u16, text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::status(status) }
    }
}

impl Route {
    pub fn answers(&self) -> impl Iterator<Item = &Answer> {
        self.answer.iter().chain(&self.answers)
    }
}

impl Script {
    /// # Errors
    /// When it cannot be read, has an unknown key, or names a file that is not there.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read the script {}", file.display()))?;
        let script: Self =
            serde_saphyr::from_str(&text).with_context(|| format!("the script {} is invalid", file.display()))?;
        script
            .resolved(file.parent().unwrap_or(Path::new(".")))
            .with_context(|| format!("the script {} is invalid", file.display()))
    }

    /// Checks the routes, and resolves the paths of files, which have to exist.
    fn resolved(mut self, folder: &Path) -> anyhow::Result<Self> {
        let mut files: Vec<&mut PathBuf> = self.report.iter_mut().collect();
        let mut routes: Vec<&mut Route> = self.routes.iter_mut().collect();
        for scenario in self.scenarios.values_mut() {
            routes.extend(&mut scenario.routes);
            files.extend(scenario.program.iter_mut().filter_map(|run| run.output.as_mut()));
        }
        for route in routes {
            let Some((_, path)) = route.request.split_once(' ') else {
                bail!("the request {:?} is not a method and a path, such as `GET /scans`", route.request);
            };
            if !path.starts_with('/') {
                bail!("the path of the request {:?} does not begin with `/`", route.request);
            }
            if route.answers().next().is_none() {
                bail!("the request {:?} has neither `answer` nor `answers`", route.request);
            }
            let answers = route.answer.iter_mut().chain(&mut route.answers);
            files.extend(answers.filter_map(|answer| answer.file.as_mut()));
        }
        for file in files {
            *file = folder.join(&*file);
            if !file.is_file() {
                bail!("the file {} does not exist", file.display());
            }
        }
        Ok(self)
    }
}
