//! A component's compiled code, before anything of it runs: what it exports, and what it asks for.

use std::sync::Arc;

use wasmtime::component;

use crate::{
    digest::Digest,
    engine::Sandbox,
    fault::LoadError,
    form::other_form,
    grant::{Grant, Grants},
    world::{World, world_of},
};

/// Bytes that are a WebAssembly component, of whatever world.
pub struct Component {
    sandbox: Arc<Sandbox>,
    compiled: component::Component,
    digest: Digest,
}

impl Component {
    /// Compiles these very bytes. It takes long: call it where blocking is allowed.
    ///
    /// # Errors
    /// When they are no component; with what they are instead.
    pub fn compile(sandbox: Arc<Sandbox>, bytes: &[u8]) -> Result<Self, LoadError> {
        if let Some(form) = other_form(bytes) {
            return Err(LoadError::NotAComponent(format!("it is {form}")));
        }
        let compiled = component::Component::from_binary(sandbox.engine(), bytes);
        let compiled = compiled.map_err(|error| LoadError::NotAComponent(format!("it is damaged: {error:#}")))?;
        Ok(Self { sandbox, compiled, digest: Digest::of(bytes) })
    }

    pub fn digest(&self) -> Digest {
        self.digest
    }

    pub fn imports(&self) -> Vec<String> {
        self.compiled.component_type().imports(self.sandbox.engine()).map(|(name, _)| name.to_owned()).collect()
    }

    pub fn exports(&self) -> Vec<String> {
        self.compiled.component_type().exports(self.sandbox.engine()).map(|(name, _)| name.to_owned()).collect()
    }

    /// # Errors
    /// When it is of no world that this host takes.
    pub fn world(&self) -> Result<World, LoadError> {
        world_of(&self.exports())
    }

    /// What it asks for, each once.
    pub fn requests(&self) -> Vec<Grant> {
        let imports = self.imports();
        let is_requested = |grant: &Grant| imports.iter().any(|import| Grant::needed_for(import) == Some(*grant));
        Grant::ALL.into_iter().filter(is_requested).collect()
    }

    /// # Errors
    /// Names the first grant that it asks for and was not given.
    pub(crate) fn permit(&self, grants: Grants) -> Result<(), LoadError> {
        let requested = self.requests();
        match requested.iter().copied().find(|grant| !grants.has(*grant)) {
            Some(missing) => Err(LoadError::NotGranted { missing, requested }),
            None => Ok(()),
        }
    }

    pub(crate) fn sandbox(&self) -> &Arc<Sandbox> {
        &self.sandbox
    }

    pub(crate) fn compiled(&self) -> &component::Component {
        &self.compiled
    }
}
