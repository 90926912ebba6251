//! The script that an author ships beside a backend: what their kind of scanner answers, and what a report holds.

use std::{collections::BTreeMap, fs, path::{Path, PathBuf}};

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde_json::Value as Json;

/// A scanner of a kind, as YAML.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Script {
    /// The scanner's `options` in the configuration.
    pub options: serde_json::Map<String, Json>,
    /// Of a profile: its entry in `profiles.yaml`.
    pub definition: serde_json::Map<String, Json>,
    /// What the scanner answers in every scenario that says nothing else. The first route that matches counts.
    pub routes: Vec<Route>,
    pub scenarios: BTreeMap<ScenarioName, Scenario>,
    /// What commands answer when they are asked something, by their names.
    pub commands: BTreeMap<String, String>,
    /// A native report, in a file beside the script.
    pub report: Option<PathBuf>,
    /// What that report holds.
    pub expect: Option<Expect>,
    /// Whether requests carry the targets in a form that cannot be seen, such as compressed.
    pub targets_hidden: bool,
}

/// Where the one scan of the kit stands at the scanner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScenarioName {
    /// It was never created.
    Absent,
    Created,
    Running,
    Completed,
    /// It ended early.
    Failed,
    /// Somebody deleted it at the scanner.
    Gone,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scenario {
    /// How long after the launch this is, for scanners that live by the clock.
    pub after_seconds: u32,
    /// Instead of the script's own, for scanners that are driven by them.
    pub options: Option<serde_json::Map<String, Json>>,
    pub routes: Vec<Route>,
    /// Where the scan's program stands, for a scanner that is one.
    pub program: Option<Run>,
}

/// A program that was started for the scan.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Run {
    /// The exit code; without one it still runs.
    pub exited: Option<u8>,
    /// What it has written so far: the bytes of a file beside the script.
    pub output: Option<PathBuf>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Method and path, such as `GET /scans/*`. A path without `?` matches with any query.
    pub request: String,
    #[serde(default)]
    pub answer: Option<Answer>,
    /// One after the other; the last one stays.
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
    /// In its texts `{task_id}` and `{installation}` are filled in, and `{sent:/settings/name}` is what a request's
    /// JSON body had there.
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
        let text = fs::read_to_string(file).with_context(|| format!("the script {} cannot be read", file.display()))?;
        let script: Self = serde_saphyr::from_str(&text).with_context(|| format!("the script {}", file.display()))?;
        script
            .resolved(file.parent().unwrap_or(Path::new(".")))
            .with_context(|| format!("the script {}", file.display()))
    }

    /// With files as paths from here, and checked.
    fn resolved(mut self, folder: &Path) -> anyhow::Result<Self> {
        let mut files: Vec<&mut PathBuf> = self.report.iter_mut().collect();
        let mut routes: Vec<&mut Route> = self.routes.iter_mut().collect();
        for scenario in self.scenarios.values_mut() {
            routes.extend(&mut scenario.routes);
            files.extend(scenario.program.iter_mut().filter_map(|run| run.output.as_mut()));
        }
        for route in routes {
            let Some((_, path)) = route.request.split_once(' ') else {
                bail!("the request {:?} is no method and path, such as `GET /scans`", route.request);
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
                bail!("there is no file {}", file.display());
            }
        }
        Ok(self)
    }
}
