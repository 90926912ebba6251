//! The worlds as the host sees them, generated from `wit/`. Every module has a row in [`WORLDS`](crate::world::WORLDS).

pub mod backend {
    pub const WIT: &str = include_str!("../../../wit/backend.wit");

    wasmtime::component::bindgen!({
        path: "../../wit/backend.wit",
        world: "backend",
        imports: {
            "scanhost:backend/http.send": async | trappable,
            "scanhost:backend/http.download": async | trappable,
            default: trappable,
        },
        exports: { default: async },
    });
}

pub mod profile {
    pub const WIT: &str = include_str!("../../../wit/profile.wit");

    wasmtime::component::bindgen!({
        path: "../../wit/profile.wit",
        world: "profile",
        exports: { default: async },
    });
}
