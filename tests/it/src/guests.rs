//! The components that the build script compiled, and functions that make variants of them.

macro_rules! component {
    ($name:literal) => {
        include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".wasm"))
    };
}

pub const MOCK: &[u8] = component!("mock");
pub const NESSUS: &[u8] = component!("nessus");
pub const NMAP: &[u8] = component!("nmap");
pub const PROFILE: &[u8] = component!("profile");

pub const CHATTY: &[u8] = component!("chatty");
pub const DEEP: &[u8] = component!("deep");
pub const EAGER: &[u8] = component!("eager");
pub const FAULTY: &[u8] = component!("faulty");
pub const FLOOD: &[u8] = component!("flood");
pub const FORGER: &[u8] = component!("forger");
pub const GIANT: &[u8] = component!("giant");
pub const GRUMBLE: &[u8] = component!("grumble");
pub const HOARD: &[u8] = component!("hoard");
pub const LIAR: &[u8] = component!("liar");
pub const NOSY: &[u8] = component!("nosy");
pub const PANIC: &[u8] = component!("panic");
pub const SPIN: &[u8] = component!("spin");

pub const STEADY: &[u8] = component!("steady");
pub const VIEWER: &[u8] = component!("viewer");

/// The test guests that behave correctly, with their names.
pub const BEHAVING: [(&str, &[u8]); 2] = [("steady", STEADY), ("viewer", VIEWER)];

/// The test guests that misbehave, with their names.
pub const MISBEHAVING: [(&str, &[u8]); 13] = [
    ("chatty", CHATTY),
    ("deep", DEEP),
    ("eager", EAGER),
    ("faulty", FAULTY),
    ("flood", FLOOD),
    ("forger", FORGER),
    ("giant", GIANT),
    ("grumble", GRUMBLE),
    ("hoard", HOARD),
    ("liar", LIAR),
    ("nosy", NOSY),
    ("panic", PANIC),
    ("spin", SPIN),
];

/// Makes another version of `steady` or `viewer`, which reports this version number in everything that it does.
pub fn with_version(component: &[u8], version: u32) -> Vec<u8> {
    with_number(component, " guest of version ", version)
}

/// Makes a variant of `steady` whose scan state has this version.
pub fn with_state_version(component: &[u8], version: u32) -> Vec<u8> {
    with_number(component, " with state ", version)
}

/// Makes a variant of `steady` that describes itself, but crashes on every call of `status`.
pub fn with_failing_status(component: &[u8]) -> Vec<u8> {
    with_number(component, " that fails in ", 1)
}

/// Writes four digits after these words, which must occur exactly once in the component.
fn with_number(component: &[u8], words: &str, number: u32) -> Vec<u8> {
    let mut component = component.to_vec();
    let found: Vec<usize> = component
        .windows(words.len())
        .enumerate()
        .filter(|(_, at)| *at == words.as_bytes())
        .map(|(at, _)| at)
        .collect();
    let [at] = found[..] else { panic!("{words:?} occurs {} times in the component", found.len()) };
    let digits = at + words.len();
    component[digits..digits + 4].copy_from_slice(format!("{number:04}").as_bytes());
    component
}

/// Adds a custom section, which changes the digest of the component and nothing that it does.
pub fn with_other_digest(component: &[u8], label: u8) -> Vec<u8> {
    let custom_section = [0, 7, 5, b'l', b'a', b'b', b'e', b'l', label];
    [component, &custom_section].concat()
}

/// Adds a core module that consists of this section, and this many instances of it.
pub fn with_core_instances(component: &[u8], section: &[u8], instances: usize) -> Vec<u8> {
    let module = [b"\0asm\x01\0\0\0", section].concat();
    let index = count_core_modules(component);
    let mut extended = component.to_vec();
    push_section(&mut extended, 1, &module);
    let mut instance_section = Vec::new();
    push_leb128(&mut instance_section, instances);
    for _ in 0..instances {
        instance_section.push(0);
        push_leb128(&mut instance_section, index);
        instance_section.push(0);
    }
    push_section(&mut extended, 2, &instance_section);
    extended
}

/// Counts the core modules at the top level of the component.
fn count_core_modules(component: &[u8]) -> usize {
    let (mut at, mut modules) = (8, 0);
    while at < component.len() {
        modules += usize::from(component[at] == 1);
        at += 1;
        let (mut size, mut shift) = (0, 0);
        loop {
            let byte = component[at];
            at += 1;
            size |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        at += size;
    }
    modules
}

fn push_section(component: &mut Vec<u8>, id: u8, content: &[u8]) {
    component.push(id);
    push_leb128(component, content.len());
    component.extend_from_slice(content);
}

/// Appends the number in LEB128, the encoding of numbers in WebAssembly.
pub fn push_leb128(bytes: &mut Vec<u8>, mut number: usize) {
    loop {
        let low = u8::try_from(number & 0x7f).expect("seven bits fit");
        number >>= 7;
        bytes.push(if number == 0 { low } else { low | 0x80 });
        if number == 0 {
            return;
        }
    }
}
