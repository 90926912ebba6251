//! The fixed properties of a scanner: its edition, templates and folders.

use serde_json::{Value, json};

use crate::settings::Settings;

pub const TRASH_FOLDER: u64 = 2;
pub const MAIN_FOLDER: u64 = 3;
pub const FOLDERS: [u64; 2] = [TRASH_FOLDER, MAIN_FOLDER];

const BASIC_TEMPLATE: &str = "731a8e52-3ea6-a291-ec0a-d2ff0619c19d7bd788d6be818b65";
const DISCOVERY_TEMPLATE: &str = "bbd4f805-3966-d464-b2d1-0079eb89d69708c3a05ec2812bcf";

pub fn status() -> Value {
    json!({ "code": 200, "progress": null, "status": "ready" })
}

pub fn properties(settings: &Settings) -> Value {
    let name = if settings.scan_api { "Nessus Expert" } else { "Nessus Professional" };
    json!({
        "nessus_type": name,
        "nessus_ui_version": "10.8.3",
        "server_version": "10.8.3",
        "platform": "LINUX",
        "license": {
            "type": "fake",
            "name": name,
            "ips": 16,
            "features": { "scan_api": settings.scan_api, "report": true, "users": false, "policies": true },
        },
    })
}

pub fn templates(settings: &Settings) -> Value {
    let templates: Vec<Value> = template_list(settings)
        .into_iter()
        .map(|(uuid, name, title)| {
            json!({
                "uuid": uuid, "name": name, "title": title, "desc": title, "is_agent": false, "cloud_only": false,
                "subscription_only": false, "unsupported": false, "manager_only": false,
            })
        })
        .collect();
    json!({ "templates": templates })
}

pub fn has_template(uuid: &str, settings: &Settings) -> bool {
    template_list(settings).iter().any(|(known, ..)| *known == uuid)
}

fn template_list(settings: &Settings) -> [(&str, &'static str, &'static str); 3] {
    [
        (DISCOVERY_TEMPLATE, "discovery", "Host Discovery"),
        (BASIC_TEMPLATE, "basic", "Basic Network Scan"),
        (&settings.advanced_template, "advanced", "Advanced Scan"),
    ]
}

pub fn folders() -> Value {
    json!([
        { "id": TRASH_FOLDER, "name": "Trash", "type": "trash", "custom": 0, "default_tag": 0, "unread_count": null },
        { "id": MAIN_FOLDER, "name": "My Scans", "type": "main", "custom": 0, "default_tag": 1, "unread_count": null },
    ])
}

pub fn scanners() -> Value {
    json!({ "scanners": [{ "id": 1, "name": "Local Scanner", "type": "local", "status": "on" }] })
}
