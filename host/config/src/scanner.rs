//! One scanner: its address, its login, its capacity.

use std::collections::BTreeSet;

use http::{HeaderName, HeaderValue};
use scanhost_domain::{
    ids::{BackendName, InstanceId, PoolName},
    request::ScanType,
};
use url::Url;

use super::{fields::Fields, limit::ScannerLimits, problem::Position, setting::Setting, token::sha256};
use crate::secret::Secret;

#[derive(Clone, Debug)]
pub struct Scanner {
    pub instance_id: InstanceId,
    pub backend: BackendName,
    /// The name for people.
    pub name: String,
    pub url: Option<Url>,
    /// The login, by the names that the backend's description uses, in the order of the file.
    pub auth: Vec<(String, Secret)>,
    pub tls: Tls,
    /// Headers of every request. The values may be secrets for a proxy, so they are not shown.
    pub headers: Vec<(HeaderName, Secret)>,
    pub enabled: bool,
    /// At least 1.
    pub max_concurrent_scans: u32,
    pub limits: ScannerLimits,
    /// The types of scans that it takes; `None` for all that its backend supports.
    pub scan_types: Option<Vec<ScanType>>,
    /// Options for the backend, a JSON object.
    pub options: String,
    /// The position that a problem with it names.
    pub place: Option<Position>,
    /// Whether everything that its backend depends on could be read.
    pub(crate) is_sound: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// The certificate must be issued by a known authority: one of this PEM bundle, if it is given.
    Verify { ca_file: Option<Vec<u8>> },
    /// Only the certificate whose DER form has this SHA-256 is accepted.
    Pinned([u8; 32]),
    /// Any certificate is accepted.
    Insecure,
}

impl Scanner {
    /// Whether both are reached in the same way, with the same login and limits.
    pub fn is_reached_like(&self, other: &Self) -> bool {
        let Self { url, auth, tls, headers, limits, .. } = self;
        (url, auth, tls, headers, limits) == (&other.url, &other.auth, &other.tls, &other.headers, &other.limits)
    }

    pub(super) fn read(setting: &Setting<'_>, pool: &PoolName, taken: &mut BTreeSet<InstanceId>) -> Option<Self> {
        let mut fields = setting.fields();
        let instance_id = fields.required("instance_id").and_then(|id| {
            let instance_id: InstanceId = id.parse()?;
            if !taken.insert(instance_id.clone()) {
                id.report("another scanner of this pool has this id");
            }
            Some(instance_id)
        });
        let backend = match fields.get("backend") {
            Some(backend) => backend.parse(),
            None => default_backend(pool),
        };
        let name = fields.get("name").and_then(|name| name.text().map(str::to_owned));
        let url = fields.get("url").and_then(|url| base_url(&url));
        let auth = fields.or("auth", Vec::new(), |auth| read_auth(&auth));
        let tls = read_tls(fields.section("tls"));
        let headers = fields.or("headers", Vec::new(), |headers| read_headers(&headers));
        let enabled = fields.or("enabled", true, |enabled| enabled.boolean());
        let max_concurrent_scans =
            fields.or("max_concurrent_scans", 2, |most| u32::try_from(most.whole(1..=1_000)?).ok());
        let limits = ScannerLimits::read(fields.section("limits"));
        let scan_types = fields.get("scan_types").and_then(|types| types.list_of(|scan_type| read_type(&scan_type)));
        let options = fields.or("options", "{}".to_owned(), |options| options.json_object());
        fields.finish();
        let (instance_id, backend) = (instance_id?, backend?);
        let name = name.unwrap_or_else(|| instance_id.to_string());
        let place = setting.place;
        let is_sound = !OF_THE_BACKEND.into_iter().any(|key| setting.has_problem_in(key));
        Some(Self {
            instance_id,
            backend,
            name,
            url,
            auth,
            tls,
            headers,
            enabled,
            max_concurrent_scans,
            limits,
            scan_types,
            options,
            place,
            is_sound,
        })
    }
}

/// The keys that decide whether the backend can use a scanner.
const OF_THE_BACKEND: [&str; 5] = ["url", "auth", "tls", "headers", "options"];

fn read_type(setting: &Setting<'_>) -> Option<ScanType> {
    let text = setting.text()?;
    let found = ScanType::ALL.into_iter().find(|scan_type| scan_type.name() == text);
    if found.is_none() {
        setting.report("must be untrusted, trusted or privileged");
    }
    found
}

/// `nessus` for the pools `nessus` and `nessus_dmz`.
fn default_backend(pool: &PoolName) -> Option<BackendName> {
    pool.as_str().split('_').next()?.parse().ok()
}

fn base_url(setting: &Setting<'_>) -> Option<Url> {
    // Only the reason is reported, since the text may hold a password.
    let url: Url = setting.check(setting.text()?.parse().map_err(|error| format!("is not a URL: {error}")))?;
    let reason = if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        "must begin with http:// or https:// and a host"
    } else if !url.username().is_empty() || url.password().is_some() {
        "must not carry credentials: they belong under `auth`"
    } else if url.query().is_some() || url.fragment().is_some() {
        "must end with its path, without `?` and `#`"
    } else {
        return Some(url);
    };
    setting.report(reason);
    None
}

fn read_auth(setting: &Setting<'_>) -> Option<Vec<(String, Secret)>> {
    let entries = setting.entries()?;
    let has = |name: &str| entries.iter().any(|(key, _)| *key == name);
    for (one, other) in [("access_key", "secret_key"), ("username", "password")] {
        if has(one) != has(other) {
            setting.report(format!("`{one}` and `{other}` belong together, and one of them is missing"));
        }
    }
    if (has("access_key") || has("secret_key")) && (has("username") || has("password")) {
        setting.report("needs `access_key` and `secret_key` or `username` and `password`, not both pairs");
    }
    let read = |(name, entry): &(&str, Setting<'_>)| {
        // A backend's templates name these keys in braces.
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            entry.report("a key of `auth` must consist of letters, digits and `_`");
        }
        Some(((*name).to_owned(), entry.secret()?))
    };
    Some(entries.iter().filter_map(read).collect())
}

fn read_tls(mut fields: Fields<'_>) -> Tls {
    let ca_file = fields.get("ca_file");
    let pinned = fields.get("sha256");
    let insecure = fields.get("insecure");
    fields.finish();
    let is_insecure = insecure.as_ref().and_then(|insecure| insecure.boolean()).unwrap_or(false);
    for checked in [&ca_file, &pinned].into_iter().flatten().filter(|_| is_insecure) {
        checked.report("has no effect with `insecure: true`: leave one of them out");
    }
    if let (Some(_), Some(ca_file)) = (&pinned, &ca_file) {
        ca_file.report("has no effect with `sha256`: leave one of them out");
    }
    if is_insecure {
        return Tls::Insecure;
    }
    if let Some(digest) = pinned.and_then(|pinned| sha256(&pinned)) {
        return Tls::Pinned(digest);
    }
    Tls::Verify { ca_file: ca_file.and_then(|ca_file| read_certificates(&ca_file)) }
}

fn read_certificates(setting: &Setting<'_>) -> Option<Vec<u8>> {
    let path = setting.context.resolve(setting.text()?);
    let read = setting.context.read(&path);
    let pem = setting.check(read.map_err(|error| format!("cannot read {}: {error}", path.display())))?;
    if !pem.contains("-----BEGIN CERTIFICATE-----") {
        setting.report(format!("there is no PEM certificate in {}", path.display()));
    }
    Some(pem.as_bytes().to_vec())
}

fn read_headers(setting: &Setting<'_>) -> Option<Vec<(HeaderName, Secret)>> {
    let mut seen = BTreeSet::new();
    let read = |(name, header): (Option<HeaderName>, Setting<'_>)| {
        let name = name?;
        if !seen.insert(name.as_str().to_owned()) {
            header.report("the header is given twice: upper and lower case make no difference");
        }
        if OF_THE_CONNECTION.contains(&name.as_str()) {
            header.report("only the host may set this header");
        }
        let value = header.secret()?;
        header.check(HeaderValue::from_str(value.expose()).map_err(|_| "is not a valid header value"))?;
        Some((name, value))
    };
    Some(setting.named::<HeaderName>()?.into_iter().filter_map(read).collect())
}

/// Headers that say how a request travels. A second one would make two readers see two requests.
const OF_THE_CONNECTION: [&str; 8] =
    ["connection", "content-length", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];
