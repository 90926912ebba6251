//! The worlds as the host sees them, generated from `wit/`. Every module has a row in [`WORLDS`](crate::world::WORLDS),
//! except `command`, which is a capability and not a world of its own.

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

pub mod command {
    wasmtime::component::bindgen!({
        path: "../../wit/command.wit",
        world: "commands",
        imports: {
            "scanhost:command/program.start": async | trappable,
            "scanhost:command/program.stop": async | trappable,
            "scanhost:command/program.deliver": async | trappable,
            "scanhost:command/program.ask": async | trappable,
            default: trappable,
        },
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
