//! A loaded profile: its exports as async functions.

use std::sync::Arc;

use scanhost_domain::{
    field::{Column, FieldType},
    ids::ProfileName,
};

use crate::{
    bindings::profile::{ProfilePre, exports::scanhost::profile::planner as wit},
    call::{CallState, Callee, Deadline, GuestStore, Reach},
    convert,
    digest::Digest,
    engine::Sandbox,
    fault::{Fault, LoadError},
    limits::Limits,
};

const MAX_FIELDS: usize = 4_096;
const MAX_FILTERS: usize = 64 << 10;

/// Which fields, in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Every field of the report, by first appearance.
    All,
    Some(Vec<String>),
}

/// What a profile is under one definition.
#[derive(Clone, Debug)]
pub struct ProfileDescription {
    pub name: ProfileName,
    pub version: String,
    pub fields: Selection,
    /// Name, type and description of the fields that `shape` makes.
    pub derived: Vec<(String, FieldType, String)>,
    pub shapes: bool,
}

/// How results are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub fields: Selection,
    /// A JSON object in the agents' filter language.
    pub filters: String,
    /// Field and whether it descends; the first is the most important.
    pub order: Vec<(String, bool)>,
}

/// A component of the world `scanhost:profile`, compiled and checked.
pub struct Profile {
    sandbox: Arc<Sandbox>,
    pre: ProfilePre<CallState>,
    digest: Digest,
    limits: Limits,
    name: String,
}

/// What a component is called that nobody has named.
const UNNAMED: &str = "profile";

impl Profile {
    /// Compiles these very bytes and checks them against the world.
    ///
    /// # Errors
    /// When the bytes are no component or do not fit the world.
    pub fn load(sandbox: Arc<Sandbox>, bytes: &[u8], limits: Limits) -> Result<Self, LoadError> {
        let pre = sandbox.link_profile(bytes)?;
        Ok(Self { digest: Digest::of(bytes), sandbox, pre, limits, name: UNNAMED.to_owned() })
    }

    /// What is called of a loaded profile, as it is told to the observer.
    pub const FUNCTIONS: [&'static str; 3] = ["describe", "plan", "shape"];

    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The same, under this name in what is told of its calls.
    #[must_use]
    pub fn named(self, name: String) -> Self {
        Self { name, ..self }
    }

    /// What it is called in what is told of its calls.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is under this definition, a JSON object. The inner error is for the operator who wrote it.
    pub async fn describe(&self, definition: &str) -> Result<Result<ProfileDescription, String>, Fault> {
        let call = async |store: &mut GuestStore, planner: &wit::Guest| planner.call_describe(store, definition).await;
        self.call("describe", call, profile_description).await
    }

    pub async fn plan<'a>(
        &self,
        definition: &str,
        columns: impl Iterator<Item = &'a Column>,
    ) -> Result<Result<Plan, String>, Fault> {
        let column =
            |column: &Column| wit::Column { name: column.name.clone(), type_: wit_field_type(column.field_type) };
        let columns: Vec<_> = columns.map(column).collect();
        let call =
            async |store: &mut GuestStore, planner: &wit::Guest| planner.call_plan(store, definition, &columns).await;
        self.call("plan", call, query_plan).await
    }

    /// Passes the rows of a page through the profile. As many come back.
    pub async fn shape(&self, definition: &str, rows: &[String]) -> Result<Result<Vec<String>, String>, Fault> {
        let as_many = |shaped: Vec<String>| match shaped.len() == rows.len() {
            true => Ok(shaped),
            false => Err(format!("shape was given {} rows and returned {}", rows.len(), shaped.len())),
        };
        let call =
            async |store: &mut GuestStore, planner: &wit::Guest| planner.call_shape(store, definition, rows).await;
        self.call("shape", call, as_many).await
    }

    /// The inner error is the guest's own.
    async fn call<T, U>(
        &self,
        function: &'static str,
        call: impl AsyncFnOnce(&mut GuestStore, &wit::Guest) -> wasmtime::Result<Result<T, String>>,
        convert: impl FnOnce(T) -> Result<U, String>,
    ) -> Result<Result<U, String>, Fault> {
        let call = async |store: &mut GuestStore| {
            let profile = self.pre.instantiate_async(&mut *store).await?;
            call(store, profile.scanhost_profile_planner()).await
        };
        let callee = Callee { sandbox: &self.sandbox, plugin: &self.name, function, limits: self.limits };
        let answer = callee.call(Reach::default(), Deadline::Whole, call, convert).await;
        answer.map(|answer| answer.map_err(convert::line))
    }
}

fn profile_description(description: wit::Description) -> Result<ProfileDescription, String> {
    if description.derived.len() > MAX_FIELDS {
        return Err(format!("it derives more than {MAX_FIELDS} fields"));
    }
    let derived = |field: wit::Field| {
        convert::permit_field_name(&field.name)?;
        Ok((field.name, domain_field_type(field.type_), convert::line(field.description)))
    };
    Ok(ProfileDescription {
        name: ProfileName::try_from(description.name).map_err(|error| error.to_string())?,
        version: convert::line(description.version),
        fields: selection(description.fields)?,
        derived: description.derived.into_iter().map(derived).collect::<Result<_, String>>()?,
        shapes: description.shapes,
    })
}

fn query_plan(plan: wit::QueryPlan) -> Result<Plan, String> {
    if plan.filters.len() > MAX_FILTERS {
        return Err(format!("its filters are larger than {MAX_FILTERS} bytes"));
    }
    if plan.order.len() > 16 {
        return Err("it orders by more than 16 fields".into());
    }
    Ok(Plan {
        fields: selection(plan.fields)?,
        filters: plan.filters,
        order: plan.order.into_iter().map(|key| (key.field, key.descending)).collect(),
    })
}

fn selection(selection: wit::Selection) -> Result<Selection, String> {
    match selection {
        wit::Selection::All => Ok(Selection::All),
        wit::Selection::Some(names) if names.len() > MAX_FIELDS => {
            Err(format!("it shows more than {MAX_FIELDS} fields"))
        }
        wit::Selection::Some(names) => {
            names.iter().try_for_each(|name| convert::permit_field_name(name))?;
            Ok(Selection::Some(names))
        }
    }
}

fn wit_field_type(field_type: FieldType) -> wit::FieldType {
    match field_type {
        FieldType::Text => wit::FieldType::Text,
        FieldType::Integer => wit::FieldType::Integer,
        FieldType::Number => wit::FieldType::Number,
        FieldType::Boolean => wit::FieldType::Boolean,
        FieldType::List => wit::FieldType::TextList,
        FieldType::Severity => wit::FieldType::Severity,
    }
}

fn domain_field_type(field_type: wit::FieldType) -> FieldType {
    match field_type {
        wit::FieldType::Text => FieldType::Text,
        wit::FieldType::Integer => FieldType::Integer,
        wit::FieldType::Number => FieldType::Number,
        wit::FieldType::Boolean => FieldType::Boolean,
        wit::FieldType::TextList => FieldType::List,
        wit::FieldType::Severity => FieldType::Severity,
    }
}
