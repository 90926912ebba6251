//! The worlds as the host sees them, generated from `wit/`.

pub mod backend {
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
    wasmtime::component::bindgen!({
        path: "../../wit/profile.wit",
        world: "profile",
        exports: { default: async },
    });
}
