//! Small crates, each written as a text: `== FILE`, then what is in it.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write as _;

use super::{MOST, components, edges, of_target};
use crate::circles::tree::Tree;

struct Written(tempfile::TempDir);

impl Written {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for part in text.split("== ").skip(1) {
            let (name, content) = part.split_once('\n').unwrap();
            let path = folder.path().join(name.trim());
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        Self(folder)
    }

    /// Which files name something of which others, a line a file.
    fn edges(&self) -> String {
        let tree = Tree::read(&self.0.path().join("lib.rs")).unwrap();
        let mut lines = String::new();
        for (file, named) in edges(&tree) {
            let name = |file: usize| tree.files[file].display().to_string();
            let named: Vec<String> = named.into_iter().map(name).collect();
            if !named.is_empty() {
                writeln!(lines, "{} -> {}", name(file), named.join(" ")).unwrap();
            }
        }
        lines
    }
}

#[track_caller]
fn assert_edges(text: &str, expected: &str) {
    assert_eq!(Written::new(text).edges(), expected);
}

#[test]
fn uses_and_paths_of_all_kinds_are_seen() {
    assert_edges(
        "== lib.rs
mod a; mod b; mod c; mod d; mod e; mod f; mod g; mod h;
== a.rs
use crate::{b::{self, B}, c::C as Renamed};
use std::fmt;
fn f(_: crate::d::D) { let _ = b::other(); }
#[serde(with = crate::e::E)]
struct S;
fn g() { println!(\"{}\", super::f::f()); use self::super::g::G; }
impl crate::h::H for S {}
== b.rs
pub struct B;
pub fn other() {}
== c.rs
pub struct C;
== d.rs
pub struct D;
== e.rs
pub struct E;
== f.rs
pub fn f() {}
== g.rs
pub struct G;
== h.rs
pub trait H {}
",
        "a.rs -> b.rs c.rs d.rs e.rs f.rs g.rs h.rs\n",
    );
}

#[test]
fn what_is_re_exported_is_looked_for_where_it_is_defined() {
    assert_edges(
        "== lib.rs
mod a; mod b;
pub use b::deep::*;
pub use b::Named as Other;
== a.rs
use crate::{Deep, Other};
fn f(_: Deep, _: Other) {}
== b.rs
pub mod deep;
mod named;
pub use named::Named;
== b/deep.rs
pub struct Deep;
== b/named.rs
pub struct Named;
",
        "lib.rs -> b/deep.rs b/named.rs\na.rs -> b/deep.rs b/named.rs\nb.rs -> b/named.rs\n",
    );
}

#[test]
fn naming_a_module_is_not_yet_naming_something_of_it() {
    assert_edges(
        "== lib.rs
mod a; mod b;
== a.rs
use crate::b;
fn f() { b::c::g() }
== b.rs
pub mod c;
pub fn c() {}
== b/c.rs
pub fn g() {}
",
        // `use crate::b` brings in no function of that name, and `b::c::g` is of the module `c`.
        "a.rs -> b/c.rs\n",
    );
}

#[test]
fn a_function_that_is_called_like_a_module_is_found() {
    assert_edges(
        "== lib.rs
mod a; mod b;
== a.rs
fn f() { crate::b::c() }
== b.rs
pub mod c;
pub use c::c;
== b/c.rs
pub fn c() {}
",
        "a.rs -> b/c.rs\nb.rs -> b/c.rs\n",
    );
}

#[test]
fn what_a_module_defines_is_there_for_those_inside_of_it() {
    assert_edges(
        "== lib.rs
mod a;
pub struct Error;
== a/mod.rs
mod b;
pub struct A;
pub mod inline { pub fn f() -> super::b::B { todo!() } }
== a/b.rs
use super::A;
use crate::Error;
pub struct B;
fn f() { super::inline::f() }
",
        "a/mod.rs -> a/b.rs\n",
    );
}

#[test]
fn tests_inside_of_a_crate_may_know_everything() {
    assert_edges(
        "== lib.rs
mod a; mod b;
== a.rs
#[cfg(test)]
mod tests;
#[cfg(test)]
use crate::b::B;
#[cfg(all(test, unix))]
mod more { use crate::b::B; }
#[cfg(not(test))]
fn f(_: crate::b::B) {}
#[test]
fn t() { crate::b::t() }
== b.rs
pub struct B;
== a/tests.rs
use crate::b::B;
",
        "a.rs -> b.rs\n",
    );
}

#[test]
fn other_crates_comments_and_texts_are_none_of_it() {
    assert_edges(
        "== lib.rs
mod a; mod b;
== a.rs
//! [`crate::b::B`]
use ::b::B;
use serde::b;
const TEXT: &str = \"crate::b::B\"; // crate::b::B
fn f() { b::g(); ::b::g(); }
== b.rs
pub struct B;
",
        "",
    );
}

/// Files named `f0` to `fn`, each of which names something of the next, the last of the first.
fn ring(files: usize) -> String {
    let mut text = "== lib.rs\nmod outside;\n".to_owned();
    for file in 0..files {
        writeln!(text, "mod f{file};").unwrap();
    }
    text.push_str("== outside.rs\nuse crate::f0::T;\n");
    for file in 0..files {
        let next = (file + 1) % files;
        writeln!(
            text,
            "== f{file}.rs\nuse crate::f{next}::T as N;\npub struct T;"
        )
        .unwrap();
    }
    text
}

#[test]
fn a_circle_may_have_so_many_files_and_no_more() {
    let fails = |files: usize| {
        let written = Written::new(&ring(files));
        let circles = of_target(&written.0.path().join("lib.rs")).unwrap();
        circles
            .into_iter()
            .map(|circle| circle.len())
            .collect::<Vec<_>>()
    };
    assert_eq!(fails(MOST), [] as [usize; 0]);
    assert_eq!(fails(MOST + 1), [MOST + 1]);
    let written = Written::new(&ring(MOST + 1).replace("use crate::f1::T as N;", ""));
    let circles = of_target(&written.0.path().join("lib.rs")).unwrap();
    assert!(circles.is_empty(), "open at one place: {circles:?}");
}

#[test]
fn circles_that_share_a_file_are_one() {
    let edges = [
        (0, vec![1, 2]),
        (1, vec![0]),
        (2, vec![3]),
        (3, vec![0, 4]),
        (4, vec![]),
    ];
    let edges = edges.map(|(file, named)| (file, named.into_iter().collect()));
    let mut found = components::components(5, &edges.into_iter().collect());
    found.sort();
    assert_eq!(found, [[0, 1, 2, 3].into(), [4].into()]);
}

#[test]
fn a_module_without_a_file_is_an_error() {
    let written = Written::new("== lib.rs\nmod a;\n");
    let error = Tree::read(&written.0.path().join("lib.rs")).err().unwrap();
    assert!(
        error.to_string().contains("no file for the module a"),
        "{error}"
    );
}
