//! Resolves paths.

use std::collections::BTreeSet;

use super::tree::{FileId, Module, ModuleId, Tree};

/// Maximum number of followed re-exports: those of a valid target do not form cycles.
const DEEPEST: usize = 16;

/// The target of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Module(ModuleId),
    /// A definition in a file.
    Item(FileId),
}

/// The kind of target, since a module and a function may have the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Namespace {
    Module,
    Item,
}

/// Resolves paths in the modules of a target.
pub(super) struct Resolver<'t> {
    tree: &'t Tree,
}

impl<'t> Resolver<'t> {
    pub(super) fn of(tree: &'t Tree) -> Self {
        Self { tree }
    }

    /// The files that a module refers to.
    pub(super) fn files_named_by(&self, id: ModuleId) -> BTreeSet<FileId> {
        let names = &self.tree.modules[id].names;
        let paths = names.uses.values().chain(&names.paths);
        let items = paths.filter_map(|path| match self.resolve(id, path, Namespace::Item, 0)? {
            Target::Item(file) => Some(file),
            // Naming a module is not a reference to its items.
            Target::Module(_) => None,
        });
        let globs = names.globs.iter();
        let globs =
            globs.filter_map(|path| match self.resolve(id, path, Namespace::Module, 0)? {
                Target::Item(file) => Some(file),
                Target::Module(module) => Some(self.tree.modules[module].file),
            });
        items.chain(globs).collect()
    }

    /// The target of a path in a module; none in another crate.
    fn resolve(
        &self,
        from: ModuleId,
        path: &[String],
        wanted: Namespace,
        depth: usize,
    ) -> Option<Target> {
        let (first, mut rest) = path.split_first()?;
        let wanted = |rest: &[String]| {
            if rest.is_empty() {
                wanted
            } else {
                Namespace::Module
            }
        };
        let mut at = match first.as_str() {
            "crate" => Target::Module(0),
            "self" => Target::Module(from),
            "super" => Target::Module(self.module(from).parent?),
            "Self" => return None,
            name => self.named(from, name, wanted(rest), depth)?,
        };
        while let (Target::Module(module), Some((next, after))) = (at, rest.split_first()) {
            at = match next.as_str() {
                "self" => at,
                "super" => Target::Module(self.module(module).parent?),
                // Items defined by macros are unknown here.
                name => self
                    .named(module, name, wanted(after), depth)
                    .unwrap_or(Target::Item(self.module(module).file)),
            };
            rest = after;
        }
        Some(at)
    }

    /// The target of a name in a module.
    fn named(&self, id: ModuleId, name: &str, wanted: Namespace, depth: usize) -> Option<Target> {
        if depth > DEEPEST {
            return None;
        }
        let module = self.module(id);
        let child = module.children.get(name).map(|id| Target::Module(*id));
        let item = || self.item(id, name, wanted, depth);
        match wanted {
            Namespace::Module => child.or_else(item),
            Namespace::Item => item().or(child),
        }
    }

    /// The target of a name that is not a child module.
    fn item(&self, id: ModuleId, name: &str, wanted: Namespace, depth: usize) -> Option<Target> {
        let module = self.module(id);
        if module.items.contains(name) {
            return Some(Target::Item(module.file));
        }
        if let Some(path) = module.names.uses.get(name) {
            return self.resolve(id, path, wanted, depth + 1);
        }
        module.names.globs.iter().find_map(|glob| {
            let Target::Module(within) = self.resolve(id, glob, Namespace::Module, depth + 1)?
            else {
                return None;
            };
            (within != id).then(|| self.named(within, name, wanted, depth + 1))?
        })
    }

    fn module(&self, id: ModuleId) -> &'t Module {
        &self.tree.modules[id]
    }
}
