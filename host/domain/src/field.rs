//! The fields that findings have: their types, and the ones that every backend shares.

use std::{collections::HashMap, fmt, sync::LazyLock};

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldType {
    Text,
    Integer,
    Number,
    Boolean,
    List,
    Severity,
}

impl FieldType {
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::List => "list",
            Self::Severity => "severity",
        }
    }
}

impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A field that is known before any report is read.
#[derive(Clone, Copy, Debug)]
pub struct StandardField {
    pub name: &'static str,
    pub field_type: FieldType,
    /// One line for an agent.
    pub description: &'static str,
}

/// The standard field of that name.
pub fn standard(name: &str) -> Option<&'static StandardField> {
    static BY_NAME: LazyLock<HashMap<&'static str, &'static StandardField>> =
        LazyLock::new(|| STANDARD.iter().map(|field| (field.name, field)).collect());
    BY_NAME.get(name).copied()
}

const fn field(name: &'static str, field_type: FieldType, description: &'static str) -> StandardField {
    StandardField { name, field_type, description }
}

use FieldType::{Boolean, Integer, List, Number, Text};

/// All standard fields. Their names are those of the NessusClientData_v2 format, which other backends share.
pub const STANDARD: &[StandardField] = &[
    field("host", Text, "the host's name or address as scanned"),
    field("plugin_id", Integer, "the scanner's number for the check that found this"),
    field("plugin_name", Text, "the check's title"),
    field("plugin_family", Text, "the group of checks it belongs to"),
    field("severity", FieldType::Severity, "Critical, High, Medium, Low or Info"),
    field("severity_id", Integer, "the severity as a number, 4 for Critical to 0 for Info"),
    field("port", Integer, "the port, or 0 if the finding concerns the host as a whole"),
    field("protocol", Text, "tcp, udp or icmp"),
    field("svc_name", Text, "the service on that port"),
    field("host_ip", Text, "the host's address"),
    field("host_fqdn", Text, "the host's full name"),
    field("operating_system", Text, "the host's operating system as detected"),
    field("mac_address", Text, "the host's MAC addresses"),
    field("cvss_score", Number, "the best base score there is: CVSS v4, else v3, else v2"),
    field("synopsis", Text, "the problem in one sentence"),
    field("description", Text, "what the problem is"),
    field("solution", Text, "how to fix it"),
    field("plugin_output", Text, "what the check saw on this host"),
    field("risk_factor", Text, "the scanner's own name for the level of risk"),
    field("cvss_vector", Text, "CVSS v2 vector"),
    field("cvss3_vector", Text, "CVSS v3 vector"),
    field("cvss4_vector", Text, "CVSS v4 vector"),
    field("apple-sa", List, "Apple advisories"),
    field("bid", List, "Bugtraq ids"),
    field("cea-id", List, "CEA ids"),
    field("cert", List, "CERT ids"),
    field("cisco-bug-id", List, "Cisco bug ids"),
    field("cisco-sa", List, "Cisco advisories"),
    field("cpe", List, "CPE names"),
    field("cve", List, "CVE ids"),
    field("cwe", List, "CWE ids"),
    field("edb-id", List, "Exploit Database ids"),
    field("hp", List, "HP advisories"),
    field("iava", List, "IAVA notices"),
    field("iavb", List, "IAVB notices"),
    field("iavt", List, "IAVT notices"),
    field("ics-alert", List, "ICS alerts"),
    field("icsa", List, "ICS advisories"),
    field("msft", List, "Microsoft bulletins"),
    field("mskb", List, "Microsoft knowledge base articles"),
    field("osvdb", List, "OSVDB ids"),
    field("owasp", List, "OWASP categories"),
    field("rhsa", List, "Red Hat advisories"),
    field("secunia", List, "Secunia ids"),
    field("see_also", List, "web addresses for further reading"),
    field("tra", List, "Tenable research advisories"),
    field("usn", List, "Ubuntu notices"),
    field("vmsa", List, "VMware advisories"),
    field("xref", List, "further references, as SOURCE:ID"),
    field("cvss_base_score", Number, "CVSS v2 base score"),
    field("cvss_temporal_score", Number, "CVSS v2 temporal score"),
    field("cvss3_base_score", Number, "CVSS v3 base score"),
    field("cvss3_temporal_score", Number, "CVSS v3 temporal score"),
    field("cvss4_base_score", Number, "CVSS v4 base score"),
    field("cvss4_threat_score", Number, "CVSS v4 threat score"),
    field("cvssV3_impactScore", Number, "CVSS v3 impact score"),
    field("vpr_score", Number, "Tenable's vulnerability priority rating"),
    field("epss_score", Number, "chance of exploitation in the next 30 days, 0 to 1"),
    field("vulnerability_priority_rating", Number, "vulnerability priority rating"),
    field("exploit_available", Boolean, "whether an exploit is known to exist"),
    field("exploit_framework_core", Boolean, "an exploit is in Core Impact"),
    field("exploit_framework_metasploit", Boolean, "an exploit is in Metasploit"),
    field("exploit_framework_canvas", Boolean, "an exploit is in CANVAS"),
    field("exploit_framework_exploithub", Boolean, "an exploit is in ExploitHub"),
    field("exploit_framework_d2_elliot", Boolean, "an exploit is in D2 Elliot"),
    field("exploited_by_malware", Boolean, "used by malware"),
    field("exploited_by_nessus", Boolean, "exploited by the scanner itself"),
    field("in_the_news", Boolean, "reported in the press"),
    field("malware", Boolean, "malware was found"),
    field("unsupported_by_vendor", Boolean, "no longer supported by its vendor"),
    field("default_account", Boolean, "a default account"),
    field("default-account", Boolean, "a default account, in compliance items"),
    field("potential-vulnerability", Boolean, "not confirmed by the check"),
    field("asset_inventory", Boolean, "an inventory item"),
    field("os_identification", Boolean, "identifies the operating system"),
    field("thorough_tests", Boolean, "found only by thorough tests"),
];

/// The fields of one report, by first appearance, and the types of declared fields that it may not have.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    // Invariant: `by_name` holds exactly the names of `columns`, each with its place there.
    columns: Vec<Column>,
    by_name: HashMap<String, FieldIndex>,
    declared: HashMap<String, FieldType>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub field_type: FieldType,
}

impl Columns {
    /// No fields yet; `declared` are the ones that the backend adds to the standard ones.
    pub fn new(declared: impl IntoIterator<Item = (String, FieldType)>) -> Self {
        Self { declared: declared.into_iter().collect(), ..Self::default() }
    }

    /// The field's index; a field that is new to the report is added.
    pub fn appear(&mut self, name: &str) -> FieldIndex {
        if let Some(index) = self.by_name.get(name) {
            return *index;
        }
        let index = FieldIndex(u32::try_from(self.columns.len()).expect("a report has at most 4,096 fields"));
        let field_type = self.type_of(name).unwrap_or(FieldType::Text);
        self.columns.push(Column { name: name.to_owned(), field_type });
        self.by_name.insert(name.to_owned(), index);
        index
    }

    /// The field's index, if some finding of the report has it.
    pub fn find(&self, name: &str) -> Option<FieldIndex> {
        self.by_name.get(name).copied()
    }

    /// The field's type, if it is in the report, standard, or declared by the backend.
    pub fn type_of(&self, name: &str) -> Option<FieldType> {
        standard(name)
            .map(|field| field.field_type)
            .or_else(|| self.declared.get(name).copied())
            .or_else(|| self.find(name).map(|index| self.column(index).field_type))
    }

    /// # Panics
    /// It panics if the index belongs to another report.
    pub fn column(&self, index: FieldIndex) -> &Column {
        &self.columns[index.0 as usize]
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Column> {
        self.columns.iter()
    }

    pub fn declared(&self) -> impl Iterator<Item = (&str, FieldType)> {
        self.declared.iter().map(|(name, field_type)| (name.as_str(), *field_type))
    }

    /// Every known name, for a hint: first the report's own, then the rest.
    pub fn known_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        let others = STANDARD.iter().map(|field| field.name).chain(self.declared.keys().map(String::as_str));
        let mut others: Vec<&str> = others.filter(|name| !self.by_name.contains_key(*name)).collect();
        others.sort_unstable();
        names.extend(others);
        names
    }
}

/// A field's position in the report's list of fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldIndex(pub u32);
