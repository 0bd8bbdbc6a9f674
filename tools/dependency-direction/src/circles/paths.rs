//! The names imported by a module, and its paths.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, UseTree};

use super::attributes::{is_for_tests, of_item};

/// A path as written, with `use` lists expanded.
pub(super) type Segments = Vec<String>;

/// The references of a module.
#[derive(Default)]
pub(super) struct Names {
    /// The target of each imported name.
    pub(super) uses: BTreeMap<String, Segments>,
    /// The targets of `use …::*`.
    pub(super) globs: Vec<Segments>,
    /// All other paths, with at least two segments.
    pub(super) paths: BTreeSet<Segments>,
}

impl Names {
    pub(super) fn of(items: &[Item]) -> Self {
        let mut names = Self::default();
        for item in items {
            names.visit_item(item);
        }
        names
    }

    fn add_use(&mut self, before: &[String], tree: &UseTree) {
        let with = |last: String| [before, &[last]].concat();
        match tree {
            UseTree::Path(path) => self.add_use(&with(path.ident.to_string()), &path.tree),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_use(before, tree);
                }
            }
            UseTree::Glob(_) => self.globs.push(before.to_vec()),
            UseTree::Name(name) => self.add_name(with(name.ident.to_string()), None),
            UseTree::Rename(rename) => {
                let (path, name) = (with(rename.ident.to_string()), rename.rename.to_string());
                self.add_name(path, Some(name));
            }
        }
    }

    fn add_name(&mut self, mut path: Segments, name: Option<String>) {
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        // An import without a name, or with a name already in use, is a path like others.
        let name = name.or_else(|| path.last().cloned());
        match name {
            Some(name) if name != "_" && !self.uses.contains_key(&name) => {
                self.uses.insert(name, path);
            }
            _ => {
                self.paths.insert(path);
            }
        }
    }

    /// Paths in unparsed tokens.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path = Segments::new();
        let mut colons = 0;
        for token in tokens {
            match &token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.add_path(&mut path);
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {
                    self.add_path(&mut path);
                    colons = 0;
                }
            }
            if let TokenTree::Group(group) = token {
                self.add_tokens(group.stream());
            }
        }
        self.add_path(&mut path);
    }

    fn add_path(&mut self, path: &mut Segments) {
        let path = std::mem::take(path);
        if path.len() > 1 {
            self.paths.insert(path);
        }
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(of_item(item)) {
            visit::visit_item(self, item);
        }
    }

    /// The items of an inner module are its own.
    fn visit_item_mod(&mut self, _: &'ast ItemMod) {}

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if item.leading_colon.is_none() {
            self.add_use(&[], &item.tree);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !is_for_tests(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            let mut segments = path.segments.iter().map(|s| s.ident.to_string()).collect();
            self.add_path(&mut segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, invocation: &'ast syn::Macro) {
        self.visit_path(&invocation.path);
        self.add_tokens(invocation.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.add_tokens(list.tokens.clone());
        }
    }
}

/// The names of definitions, without `use` and modules.
pub(super) fn items(items: &[Item]) -> BTreeSet<String> {
    items
        .iter()
        .filter_map(|item| {
            Some(match item {
                Item::Const(item) => item.ident.to_string(),
                Item::Enum(item) => item.ident.to_string(),
                Item::Fn(item) => item.sig.ident.to_string(),
                Item::Macro(item) => item.ident.as_ref()?.to_string(),
                Item::Static(item) => item.ident.to_string(),
                Item::Struct(item) => item.ident.to_string(),
                Item::Trait(item) => item.ident.to_string(),
                Item::TraitAlias(item) => item.ident.to_string(),
                Item::Type(item) => item.ident.to_string(),
                Item::Union(item) => item.ident.to_string(),
                _ => return None,
            })
        })
        .collect()
}
