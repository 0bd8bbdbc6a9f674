//! Import cycles of files within a crate: a.rs refers to b.rs, which, directly or through others, refers to
//! a.rs. A change of one file of a cycle requires knowledge of all of them.
//!
//! References are `use` declarations, paths, and paths within macros. Re-exports are followed to the
//! definition: a façade makes no cycle. `super::Thing` does not count, since a module's definitions belong
//! to its children too. Tests within a crate (`#[cfg(test)]`) may refer to everything. Method calls have no
//! path, and are not seen.

mod attributes;
mod components;
mod paths;
mod resolve;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use crate::workspace::Crate;
use resolve::Resolver;
use tree::{FileId, Tree};

/// Maximum number of files in a cycle.
pub(crate) const MOST: usize = 3;

/// The references of each file.
type Edges = BTreeMap<FileId, BTreeSet<FileId>>;

/// Every cycle that is too large, as a sentence with its files.
pub(crate) fn violations(workspace: &[Crate]) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for member in workspace {
        for root in member.production_roots() {
            let circles = of_target(Path::new(root))?;
            found.extend(circles.iter().map(|circle| {
                format!(
                    "{}: {} files import each other, {MOST} may:\n{}",
                    member.name,
                    circle.len(),
                    picture(circle)
                )
            }));
        }
    }
    Ok(found)
}

/// A cycle: its files, by their paths within the crate, and their references.
pub(crate) type Circle = BTreeMap<String, BTreeSet<String>>;

/// The cycles that are too large in the target with this root file.
pub(crate) fn of_target(root: &Path) -> anyhow::Result<Vec<Circle>> {
    let tree = Tree::read(root)?;
    let edges = edges(&tree);
    let circles = components::components(tree.files.len(), &edges)
        .into_iter()
        .filter(|component| component.len() > MOST)
        .map(|component| circle(&tree, &edges, &component))
        .collect();
    Ok(circles)
}

fn edges(tree: &Tree) -> Edges {
    let resolver = Resolver::of(tree);
    let mut edges = Edges::new();
    for (id, module) in tree.modules.iter().enumerate() {
        let named = edges.entry(module.file).or_default();
        named.extend(resolver.files_named_by(id));
        named.remove(&module.file);
        // A module's definitions belong to its children too.
        for ancestor in tree.ancestors(id) {
            named.remove(&tree.modules[ancestor].file);
        }
    }
    edges
}

fn circle(tree: &Tree, edges: &Edges, component: &BTreeSet<FileId>) -> Circle {
    let name = |file: &FileId| tree.files[*file].display().to_string();
    component
        .iter()
        .map(|file| {
            let named = edges.get(file).into_iter().flatten();
            let within = named.filter(|named| component.contains(named));
            (name(file), within.map(name).collect())
        })
        .collect()
}

fn picture(circle: &Circle) -> String {
    let mut picture = String::new();
    for (file, named) in circle {
        let named: Vec<&str> = named.iter().map(String::as_str).collect();
        let _ = writeln!(picture, "  {file} -> {}", named.join(", "));
    }
    picture
}

#[cfg(test)]
mod tests;
