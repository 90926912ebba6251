//! The result of a script: its text, and the same as a tree of tables for programs.

/// The most nodes of one tree; further nodes are left out.
const MAX_NODES: usize = 50_000;

/// The most bytes of a script's text that are kept.
const MAX_OUTPUT: usize = 1 << 20;

#[derive(Clone, Debug)]
pub struct Script {
    pub id: String,
    pub output: String,
    /// All tables; the first one is the root.
    tables: Vec<Table>,
    /// The indices of the open tables, the innermost last.
    open: Vec<usize>,
    key: String,
    nodes: usize,
    pub is_clipped: bool,
}

/// A table with its own elements; the tables in it have it as their parent.
#[derive(Clone, Debug, Default)]
pub struct Table {
    pub key: String,
    parent: usize,
    pub elems: Vec<(String, String)>,
}

impl Script {
    pub fn new(id: String, mut output: String) -> Self {
        let is_clipped = output.len() > MAX_OUTPUT;
        if is_clipped {
            output.truncate(output.floor_char_boundary(MAX_OUTPUT));
        }
        let tables = vec![Table::default()];
        Self { id, output, tables, open: vec![0], key: String::new(), nodes: 0, is_clipped }
    }

    /// Whether the script failed.
    pub fn has_failed(&self) -> bool {
        self.output.trim_start().starts_with("ERROR: ")
    }

    /// All tables with their indices, the root first.
    pub fn tables(&self) -> impl Iterator<Item = (usize, &Table)> {
        self.tables.iter().enumerate()
    }

    /// The elements of the table `key` in the table `parent`.
    pub fn within(&self, parent: usize, key: &str) -> &[(String, String)] {
        let found = self.tables().skip(1).find(|(_, table)| table.parent == parent && table.key == key);
        found.map_or(&[], |(_, table)| &table.elems)
    }

    pub fn open_table(&mut self, key: String) {
        let parent = self.open.last().copied().unwrap_or(0);
        if self.has_room() {
            self.tables.push(Table { key, parent, elems: Vec::new() });
            self.open.push(self.tables.len() - 1);
        } else {
            // Its content would go into the table around it, which has no room either.
            self.open.push(parent);
        }
    }

    pub fn close_table(&mut self) {
        self.open.pop();
    }

    pub fn open_elem(&mut self, key: String) {
        self.key = key;
    }

    pub fn close_elem(&mut self, text: &str) {
        if self.has_room()
            && let Some(table) = self.open.last().and_then(|index| self.tables.get_mut(*index))
        {
            table.elems.push((std::mem::take(&mut self.key), text.to_owned()));
        }
    }

    fn has_room(&mut self) -> bool {
        self.nodes += 1;
        self.is_clipped |= self.nodes > MAX_NODES;
        self.nodes <= MAX_NODES
    }
}

impl Table {
    pub fn get(&self, key: &str) -> Option<&str> {
        self.elems.iter().find(|(name, _)| name == key).map(|(_, text)| text.as_str())
    }
}
