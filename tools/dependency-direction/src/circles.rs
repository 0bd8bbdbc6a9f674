//! Circles of files within a crate: a.rs names something of b.rs, which, perhaps by way of others, names
//! something of a.rs. Whoever changes one file of a circle must know all of them.
//!
//! A file names what stands in another by `use`, by a path, or within a macro. What is re-exported is
//! looked for where it is defined: a façade makes no circle. What a module defines is there for those inside
//! of it: `super::Thing` counts for nothing. Tests inside of a crate (`#[cfg(test)]`) may know everything.
//! A method is called without a path, and is not seen here.

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

/// The most files that may be in a circle.
pub(crate) const MOST: usize = 3;

/// Which files a file names something of.
type Edges = BTreeMap<FileId, BTreeSet<FileId>>;

/// Every circle of too many files, as a sentence and its files.
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

/// A circle: its files, by their paths within the crate, and which of them each names something of.
pub(crate) type Circle = BTreeMap<String, BTreeSet<String>>;

/// The circles of the target that begins with this file which have too many files.
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
        // What a module defines is there for those inside of it.
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
