//! A component's compiled code, before any of it runs: what it exports and imports.

use std::sync::Arc;

use wasmtime::component;

use crate::{
    digest::Digest,
    engine::Sandbox,
    fault::LoadError,
    file_format::foreign_format,
    grant::{Grant, Grants},
    world::{World, world_of},
};

/// A compiled WebAssembly component of any world.
pub struct Component {
    sandbox: Arc<Sandbox>,
    compiled: component::Component,
    digest: Digest,
}

impl Component {
    /// Compiles these bytes. It takes long: call it where blocking is allowed.
    ///
    /// # Errors
    /// If the bytes are no component, the error names what they are.
    pub fn compile(sandbox: Arc<Sandbox>, bytes: &[u8]) -> Result<Self, LoadError> {
        if let Some(format) = foreign_format(bytes) {
            return Err(LoadError::NotAComponent(format!("it is {format}")));
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

    /// The world that the component was built for, if this host supports it.
    pub fn world(&self) -> Result<World, LoadError> {
        world_of(&self.exports())
    }

    /// The grants that the component needs, each once.
    pub fn requests(&self) -> Vec<Grant> {
        let imports = self.imports();
        let is_requested = |grant: &Grant| imports.iter().any(|import| Grant::needed_for(import) == Some(*grant));
        Grant::ALL.into_iter().filter(is_requested).collect()
    }

    /// # Errors
    /// The error names the first grant that is needed and was not given.
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
