//! The SDK for plugins in Rust: the worlds of `wit/` as Rust types, requests to the scanner ([`requests`]) and a writer
//! for findings ([`findings`]).
//! A backend implements [`backend::scanner::Guest`] and [`backend::reader::Guest`] and ends in [`export_backend!`];
//! a profile implements [`profile::planner::Guest`] and ends in [`export_profile!`].
//!
//! For its tests a plugin also compiles for targets other than `wasm32`. There it exports nothing and every call to the
//! host panics, so tested code must not make one.

pub mod findings;
pub mod requests;
#[cfg(feature = "xml")]
pub mod xml;

#[doc(hidden)]
#[allow(unsafe_code, clippy::all, reason = "generated from the WIT world")]
pub mod backend_world {
    wit_bindgen::generate!({
        path: "../../wit/backend.wit",
        world: "backend",
        pub_export_macro: true,
        export_macro_name: "export_backend_world",
        default_bindings_module: "scanhost_sdk::backend_world",
        additional_derives: [PartialEq],
    });
}

#[doc(hidden)]
#[allow(unsafe_code, clippy::all, reason = "generated from the WIT world")]
pub mod command_world {
    wit_bindgen::generate!({
        path: "../../wit/command.wit",
        world: "commands",
        additional_derives: [PartialEq],
    });
}

#[doc(hidden)]
#[allow(unsafe_code, clippy::all, reason = "generated from the WIT world")]
pub mod profile_world {
    wit_bindgen::generate!({
        path: "../../wit/profile.wit",
        world: "profile",
        pub_export_macro: true,
        export_macro_name: "export_profile_world",
        default_bindings_module: "scanhost_sdk::profile_world",
    });
}

/// The world `scanhost:backend`.
pub mod backend {
    pub use crate::backend_world::{
        exports::scanhost::backend::{reader, scanner},
        scanhost::backend::{findings, http, log, report, types},
    };
}

/// Programs on the host's machine, for a backend that was granted the capability `command`.
pub mod command {
    pub use crate::command_world::scanhost::command::program;
}

/// The world `scanhost:profile`.
pub mod profile {
    pub use crate::profile_world::exports::scanhost::profile::planner;
}

/// Makes a type the component's backend.
#[macro_export]
macro_rules! export_backend {
    ($backend:ident) => {
        #[cfg(target_arch = "wasm32")]
        $crate::backend_world::export_backend_world!($backend with_types_in $crate::backend_world);
        #[cfg(not(target_arch = "wasm32"))]
        const _: fn() = || {
            fn is_backend<T: $crate::backend::scanner::Guest + $crate::backend::reader::Guest>() {}
            is_backend::<$backend>();
        };
    };
}

/// Makes a type the component's profile.
#[macro_export]
macro_rules! export_profile {
    ($profile:ident) => {
        #[cfg(target_arch = "wasm32")]
        $crate::profile_world::export_profile_world!($profile with_types_in $crate::profile_world);
        #[cfg(not(target_arch = "wasm32"))]
        const _: fn() = || {
            fn is_profile<T: $crate::profile::planner::Guest>() {}
            is_profile::<$profile>();
        };
    };
}
