//! `plugin inspect FILE`: shows what a component is, also when it is not a plugin.

use std::{path::PathBuf, sync::Arc};

use scanhost_app::plugin_file;
use scanhost_conformance::plugin_stderr::PrintStderr;
use scanhost_domain::visible::visible;
use scanhost_sandbox::{Backend, Component, Digest, Grants, Limits, LoadError, Plugin, Profile, Refused, Sandbox};
use serde_json::{Value as Json, json};

use crate::cli::{compiled, listing};

#[derive(clap::Args)]
pub struct Args {
    /// The component, a .wasm file
    file: PathBuf,
}

pub async fn run(args: Args, as_json: bool) -> anyhow::Result<()> {
    let bytes = plugin_file::read(&args.file).map_err(anyhow::Error::msg)?;
    let sandbox = Sandbox::start_observed(compiled::folder(), Arc::new(PrintStderr))?;
    let mut found = json!({
        "file": args.file.display().to_string(),
        "size": bytes.len(),
        "sha256": Digest::of(&bytes).to_string(),
    });
    match Component::compile(sandbox, &bytes) {
        Ok(component) => describe(&component, &mut found).await,
        Err(error) => note_problem(error, &mut found),
    }
    listing::one(as_json, &found, || lines("", &found).trim_end().to_owned())
}

/// Adds the component's description of itself. For this one call it gets everything that it requests.
async fn describe(component: &Component, found: &mut Json) {
    found["imports"] = json!(component.imports());
    found["exports"] = json!(component.exports());
    match component.world() {
        Ok(world) => {
            found["kind"] = json!(world.kind.name());
            found["world"] = json!(world.id());
            found["grants"] = json!(component.requests().iter().map(|grant| grant.name()).collect::<Vec<_>>());
        }
        Err(error) => return note_problem(error, found),
    }
    let described = match Plugin::load(component, Limits::default(), Grants::ALL).await {
        Ok(Plugin::Backend(backend)) => Ok(backend_description(&backend)),
        Ok(Plugin::Profile(profile)) => profile_description(&profile).await,
        Err(error) => return note_problem(error, found),
    };
    match described {
        Ok(description) => found["describe"] = description,
        Err(problem) => found["problem"] = json!(format!("its `describe` failed: {problem}")),
    }
}

fn note_problem(error: LoadError, found: &mut Json) {
    let refused = Refused::from(error);
    found["problem"] = json!(refused.reason);
    found["hint"] = json!(refused.hint);
}

fn backend_description(backend: &Backend) -> Json {
    let description = backend.description();
    let fields = description
        .fields
        .iter()
        .map(|(name, field_type, text)| json!({ "name": name, "type": field_type.name(), "description": text }));
    let auth = description.auth.iter().map(|scheme| match scheme {
        scanhost_sandbox::AuthScheme::Keys(keys) => json!({ "header": keys.header, "template": keys.template }),
        scanhost_sandbox::AuthScheme::Session(session) => {
            json!({ "header": session.header, "login_path": session.login_path, "login_body": session.login_body })
        }
    });
    json!({
        "name": description.name.as_str(),
        "version": description.version,
        "report_extension": description.report_extension,
        "state_version": description.state_version,
        "resumable": description.resumable,
        "scan_types": description.scan_types.iter().map(|scan_type| scan_type.name()).collect::<Vec<_>>(),
        "auth": auth.collect::<Vec<_>>(),
        "fields": fields.collect::<Vec<_>>(),
    })
}

/// Describes a profile with an empty definition, as for one without an entry in `profiles.yaml`.
async fn profile_description(profile: &Profile) -> Result<Json, String> {
    let description = profile.describe("{}").await.map_err(|fault| fault.to_string())??;
    let derived = description
        .derived
        .iter()
        .map(|(name, field_type, text)| json!({ "name": name, "type": field_type.name(), "description": text }));
    let fields = match &description.fields {
        scanhost_sandbox::Selection::All => json!("all"),
        scanhost_sandbox::Selection::Some(names) => json!(names),
    };
    Ok(json!({
        "name": description.name.as_str(),
        "version": description.version,
        "fields": fields,
        "derived": derived.collect::<Vec<_>>(),
        "shapes": description.shapes,
    }))
}

/// Writes each key and value on a line, with lists indented below their key.
fn lines(indent: &str, value: &Json) -> String {
    let mut text = String::new();
    for (key, value) in value.as_object().into_iter().flatten() {
        match value {
            Json::Null => {}
            Json::Object(_) => text += &format!("{indent}{key}:\n{}", lines(&format!("{indent}  "), value)),
            Json::Array(items) if items.is_empty() => text += &format!("{indent}{key}: none\n"),
            Json::Array(items) => {
                text += &format!("{indent}{key}:\n");
                for item in items {
                    text += &format!("{indent}  {}\n", visible(&listing::text(item)));
                }
            }
            plain => text += &format!("{indent}{key}: {}\n", visible(&listing::text(plain))),
        }
    }
    text
}
