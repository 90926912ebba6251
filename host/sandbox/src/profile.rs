//! A loaded profile: its exports as async functions.

use std::sync::Arc;

use scanhost_domain::{
    field::{Column, FieldType},
    group::{Aggregate, Grouping, Measure},
    ids::ProfileName,
};

use crate::{
    bindings::profile::{ProfilePre, exports::scanhost::profile::planner as wit},
    call::{CallState, Callee, Deadline, GuestStore, Reach},
    component::Component,
    convert,
    digest::Digest,
    engine::Sandbox,
    fault::{Fault, LoadError},
    grant::Grants,
    limits::Limits,
};

const MAX_FIELDS: usize = 4_096;
const MAX_FILTERS: usize = 64 << 10;
const MAX_GROUPED_BY: usize = 8;
const MAX_AGGREGATES: usize = 64;
const MAX_VALUES: u32 = 1_000;

/// Which fields are shown, and in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Every field of the report, by first appearance.
    All,
    Some(Vec<String>),
}

/// What a profile says about itself under one definition.
#[derive(Clone, Debug)]
pub struct ProfileDescription {
    pub name: ProfileName,
    pub version: String,
    pub fields: Selection,
    /// Name, type and description of the fields that grouping or `shape` makes.
    pub derived: Vec<(String, FieldType, String)>,
    pub shapes: bool,
}

/// How results are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub fields: Selection,
    /// A JSON object in the agents' filter language.
    pub filters: String,
    pub group: Option<Grouping>,
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

/// The name of a component that was given none.
const UNNAMED: &str = "profile";

impl Profile {
    /// Compiles these bytes and checks the component against the world.
    pub fn load(sandbox: Arc<Sandbox>, bytes: &[u8], limits: Limits) -> Result<Self, LoadError> {
        Self::link(&Component::compile(sandbox, bytes)?, limits, Grants::default())
    }

    pub(crate) fn link(component: &Component, limits: Limits, grants: Grants) -> Result<Self, LoadError> {
        let sandbox = component.sandbox().clone();
        let pre = sandbox.link_profile(component, grants)?;
        Ok(Self { digest: component.digest(), sandbox, pre, limits, name: UNNAMED.to_owned() })
    }

    /// The functions of a profile, by the names that the observer sees.
    pub const FUNCTIONS: [&'static str; 3] = ["describe", "plan", "shape"];

    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The profile under the name that the observer sees.
    #[must_use]
    pub fn named(self, name: String) -> Self {
        Self { name, ..self }
    }

    /// The name that the observer sees.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Describes the profile under this definition, a JSON object. The inner error is for the operator who wrote it.
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

    /// Passes the rows of a page through the profile, which returns as many. `read` checks them, and a row that it
    /// rejects breaks the contract.
    pub async fn shape<T>(
        &self,
        definition: &str,
        rows: &[String],
        read: impl FnOnce(Vec<String>) -> Result<T, String>,
    ) -> Result<Result<T, String>, Fault> {
        let as_many = |shaped: Vec<String>| match shaped.len() == rows.len() {
            true => read(shaped),
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
        let callee =
            Callee { sandbox: &self.sandbox, plugin: &self.name, digest: self.digest, function, limits: self.limits };
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
        group: plan.group.map(grouping).transpose()?,
        order: plan.order.into_iter().map(|key| (key.field, key.descending)).collect(),
    })
}

fn grouping(grouping: wit::Grouping) -> Result<Grouping, String> {
    if !(1..=MAX_GROUPED_BY).contains(&grouping.by.len()) {
        return Err(format!("it groups by {} fields, but 1 to {MAX_GROUPED_BY} are allowed", grouping.by.len()));
    }
    if grouping.aggregates.len() > MAX_AGGREGATES {
        return Err(format!("a row has more than {MAX_AGGREGATES} aggregates"));
    }
    grouping.by.iter().try_for_each(|name| convert::permit_field_name(name))?;
    let aggregate = |aggregate: wit::Aggregate| {
        convert::permit_field_name(&aggregate.name)?;
        Ok(Aggregate { name: aggregate.name, measure: measure(aggregate.measure)? })
    };
    let aggregates = grouping.aggregates.into_iter().map(aggregate).collect::<Result<_, String>>()?;
    Ok(Grouping { by: grouping.by, aggregates })
}

fn measure(measure: wit::Measure) -> Result<Measure, String> {
    let measure = match measure {
        wit::Measure::Count => Measure::Count,
        wit::Measure::Distinct(field) => Measure::Distinct(field),
        wit::Measure::Values(list) if !(1..=MAX_VALUES).contains(&list.limit) => {
            return Err(format!("it shows {} values in one row, but 1 to {MAX_VALUES} are allowed", list.limit));
        }
        wit::Measure::Values(list) => Measure::Values { field: list.field, limit: list.limit as usize },
        wit::Measure::Lowest(field) => Measure::Lowest(field),
        wit::Measure::Highest(field) => Measure::Highest(field),
        wit::Measure::First(field) => Measure::First(field),
    };
    measure.field().map_or(Ok(()), convert::permit_field_name)?;
    Ok(measure)
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
