//! The components that the build script compiled, and other versions of them.

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

/// Those that do as they should, by name.
pub const BEHAVING: [(&str, &[u8]); 2] = [("steady", STEADY), ("viewer", VIEWER)];

/// Those that misbehave, by name.
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

/// Another version of `steady` or of `viewer`, which says so in all that it does.
pub fn version(component: &[u8], version: u32) -> Vec<u8> {
    marked(component, " guest of version ", version)
}

/// The same component with another version of the state that it keeps.
pub fn state_version(component: &[u8], version: u32) -> Vec<u8> {
    marked(component, " with state ", version)
}

/// The same component, which describes itself and then fails whenever it is asked for a scan's status.
pub fn failing(component: &[u8]) -> Vec<u8> {
    marked(component, " that fails in ", 1)
}

/// Writes four digits after the words, which the component has once.
fn marked(component: &[u8], words: &str, number: u32) -> Vec<u8> {
    let mut component = component.to_vec();
    let found: Vec<usize> = component
        .windows(words.len())
        .enumerate()
        .filter(|(_, at)| *at == words.as_bytes())
        .map(|(at, _)| at)
        .collect();
    let [at] = found[..] else { panic!("{words:?} stands {} times in the component", found.len()) };
    let digits = at + words.len();
    component[digits..digits + 4].copy_from_slice(format!("{number:04}").as_bytes());
    component
}

/// The same component with other bytes: whatever its digest is asked for, it is another one.
pub fn relabelled(component: &[u8], label: u8) -> Vec<u8> {
    let custom_section = [0, 7, 5, b'l', b'a', b'b', b'e', b'l', label];
    [component, &custom_section].concat()
}

/// The same component with so many more instances of a core module inside, each of which has what the section says.
pub fn crowded(component: &[u8], section: &[u8], instances: usize) -> Vec<u8> {
    let module = [b"\0asm\x01\0\0\0", section].concat();
    let index = core_modules(component);
    let mut crowded = component.to_vec();
    push_section(&mut crowded, 1, &module);
    let mut made = Vec::new();
    push_number(&mut made, instances);
    for _ in 0..instances {
        made.push(0);
        push_number(&mut made, index);
        made.push(0);
    }
    push_section(&mut crowded, 2, &made);
    crowded
}

/// How many core modules the component has at its top.
fn core_modules(component: &[u8]) -> usize {
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
    push_number(component, content.len());
    component.extend_from_slice(content);
}

/// As WebAssembly writes numbers (LEB128).
pub fn push_number(bytes: &mut Vec<u8>, mut number: usize) {
    loop {
        let low = u8::try_from(number & 0x7f).expect("seven bits fit");
        number >>= 7;
        bytes.push(if number == 0 { low } else { low | 0x80 });
        if number == 0 {
            return;
        }
    }
}
