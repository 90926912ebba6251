//! The level and the format of the log.

use super::fields::Fields;
use crate::level::check_level;

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Log {
    /// A level in the form of tracing's filters; `None` for the command's default.
    pub level: Option<String>,
    pub format: LogFormat,
    /// Whether the audit log also has the calls that only look how far a scan is.
    pub audit_polling: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// Text on a terminal, else JSON.
    #[default]
    Auto,
    Json,
    Text,
}

impl Log {
    pub(super) fn read(mut fields: Fields<'_>) -> Self {
        let level = fields.or("level", None, |level| {
            let text = level.text()?;
            level.check(check_level(text))?;
            Some(Some(text.to_owned()))
        });
        let format = fields.or("format", LogFormat::default(), |format| match format.text()? {
            "auto" => Some(LogFormat::Auto),
            "json" => Some(LogFormat::Json),
            "text" => Some(LogFormat::Text),
            _ => {
                format.report("must be auto, json or text");
                None
            }
        });
        let audit_polling = fields.or("audit_polling", false, |keep| keep.boolean());
        fields.finish();
        Self { level, format, audit_polling }
    }
}
