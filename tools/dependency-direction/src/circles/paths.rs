//! The names that a module brings in, and the paths that it says.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, UseTree};

use super::attributes::{is_for_tests, of_item};

/// A path, as it is written, but `use` lists taken apart.
pub(super) type Segments = Vec<String>;

/// What a module says of others.
#[derive(Default)]
pub(super) struct Names {
    /// What each name that `use` brings in stands for.
    pub(super) uses: BTreeMap<String, Segments>,
    /// Where `use …::*` brings in all there is.
    pub(super) globs: Vec<Segments>,
    /// All other paths, of two segments at least.
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
        // What is brought in without a name, or by a name that is taken, is a path like others.
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

    /// Paths in what nobody has parsed yet.
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

    /// Those inside of a module are its own.
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

/// The names of what is defined, `use` and modules aside.
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
