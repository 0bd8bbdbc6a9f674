//! The modules of a target, read from its files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use syn::{Item, ItemMod};

use super::attributes::is_for_tests;
use super::paths::{self, Names};

pub(super) type FileId = usize;
pub(super) type ModuleId = usize;

/// The modules of a target.
pub(super) struct Tree {
    /// Paths relative to the folder of the root file.
    pub(super) files: Vec<PathBuf>,
    /// The first is the crate root.
    pub(super) modules: Vec<Module>,
    folder: PathBuf,
}

/// A module.
pub(super) struct Module {
    pub(super) file: FileId,
    pub(super) parent: Option<ModuleId>,
    pub(super) children: BTreeMap<String, ModuleId>,
    /// The definitions of the module.
    pub(super) items: BTreeSet<String>,
    pub(super) names: Names,
}

/// The folder of a module's children.
#[derive(Clone)]
struct ModuleFolder {
    file: FileId,
    folder: PathBuf,
}

impl Tree {
    /// Reads the target with this root file.
    pub(super) fn read(root: &Path) -> anyhow::Result<Self> {
        let folder = root.parent().unwrap_or(Path::new(""));
        let mut tree = Self {
            files: Vec::new(),
            modules: Vec::new(),
            folder: folder.to_owned(),
        };
        tree.read_file(root, folder.to_owned(), None)?;
        Ok(tree)
    }

    /// The parents of a module.
    pub(super) fn ancestors(&self, id: ModuleId) -> impl Iterator<Item = ModuleId> {
        std::iter::successors(self.modules[id].parent, |id| self.modules[*id].parent)
    }

    /// Reads a file whose child modules are in a folder.
    fn read_file(
        &mut self,
        path: &Path,
        folder: PathBuf,
        parent: Option<ModuleId>,
    ) -> anyhow::Result<ModuleId> {
        let text = std::fs::read_to_string(path);
        let text = text.with_context(|| format!("reading {}", path.display()))?;
        let parsed = syn::parse_file(&text);
        let parsed = parsed.with_context(|| format!("parsing {}", path.display()))?;
        let file = self.files.len();
        let name = path.strip_prefix(&self.folder).unwrap_or(path);
        self.files.push(name.to_owned());
        self.add(&ModuleFolder { file, folder }, &parsed.items, parent)
    }

    fn add(
        &mut self,
        place: &ModuleFolder,
        items: &[Item],
        parent: Option<ModuleId>,
    ) -> anyhow::Result<ModuleId> {
        let id = self.modules.len();
        self.modules.push(Module {
            file: place.file,
            parent,
            children: BTreeMap::new(),
            items: paths::items(items),
            names: Names::of(items),
        });
        for item in items {
            if let Item::Mod(module) = item
                && !is_for_tests(&module.attrs)
            {
                let child = self.add_child(place, module, id)?;
                let name = module.ident.to_string();
                self.modules[id].children.insert(name, child);
            }
        }
        Ok(id)
    }

    fn add_child(
        &mut self,
        place: &ModuleFolder,
        module: &ItemMod,
        parent: ModuleId,
    ) -> anyhow::Result<ModuleId> {
        let name = module.ident.to_string();
        let folder = place.folder.join(&name);
        if let Some((_, items)) = &module.content {
            let file = place.file;
            return self.add(&ModuleFolder { file, folder }, items, Some(parent));
        }
        let beside = folder.with_extension("rs");
        let inside = folder.join("mod.rs");
        match [beside, inside].into_iter().find(|path| path.exists()) {
            Some(path) => self.read_file(&path, folder, Some(parent)),
            None => bail!("{}: no file for the module {name}", place.folder.display()),
        }
    }
}
