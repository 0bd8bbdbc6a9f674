//! The strongly connected components of a graph, with Tarjan's algorithm: files that reach each other.

use std::collections::BTreeSet;

use super::Edges;
use super::tree::FileId;

/// All components; a file outside a cycle is a component by itself.
pub(super) fn components(files: usize, edges: &Edges) -> Vec<BTreeSet<FileId>> {
    let mut search = Search {
        edges,
        marks: vec![None; files],
        on_path: vec![false; files],
        path: Vec::new(),
        next: 0,
        found: Vec::new(),
    };
    for file in 0..files {
        if search.marks[file].is_none() {
            search.visit(file);
        }
    }
    search.found
}

struct Search<'e> {
    edges: &'e Edges,
    /// The order of discovery.
    marks: Vec<Option<usize>>,
    on_path: Vec<bool>,
    /// The files of incomplete components.
    path: Vec<FileId>,
    next: usize,
    found: Vec<BTreeSet<FileId>>,
}

impl Search<'_> {
    /// Returns the earliest mark reachable from this file.
    fn visit(&mut self, file: FileId) -> usize {
        let mark = self.next;
        self.next += 1;
        self.marks[file] = Some(mark);
        self.path.push(file);
        self.on_path[file] = true;
        let mut earliest = mark;
        for &next in self.edges.get(&file).into_iter().flatten() {
            match self.marks[next] {
                None => earliest = earliest.min(self.visit(next)),
                Some(before) if self.on_path[next] => earliest = earliest.min(before),
                Some(_) => {}
            }
        }
        if earliest == mark {
            self.close(file);
        }
        earliest
    }

    /// Closes the component: all files discovered since this one.
    fn close(&mut self, file: FileId) {
        let start = self.path.iter().rposition(|other| *other == file);
        let component = self.path.split_off(start.unwrap_or_default());
        for &member in &component {
            self.on_path[member] = false;
        }
        self.found.push(component.into_iter().collect());
    }
}
