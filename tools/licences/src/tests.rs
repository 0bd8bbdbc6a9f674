#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

const RULES: &str =
    "[licenses]\nallow = [\"MIT\"]\n[bans]\ndeny = [{ crate = \"ring\", reason = \"twice\" }]";

fn allowed(name: &str) -> bool {
    ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].contains(&name)
}

#[test]
fn of_alternatives_one_and_of_additions_all_must_be_allowed() {
    for (expression, holds) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("MIT OR GPL-3.0", true),
        ("GPL-3.0/MIT", true),
        ("MIT AND GPL-3.0", false),
        ("GPL-3.0 OR MIT AND ISC", true),
        ("(GPL-3.0 OR MIT) AND ISC", true),
        ("(GPL-3.0 OR AGPL-3.0) AND ISC", false),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("Apache-2.0", false),
        ("ISC AND (Apache-2.0 OR ISC)", true),
    ] {
        assert_eq!(
            expression::holds(expression, &allowed),
            Ok(holds),
            "{expression}"
        );
    }
    for wrong in ["", "MIT OR", "(MIT", "MIT)", "MIT ISC", "AND", "MIT WITH"] {
        assert!(expression::holds(wrong, &allowed).is_err(), "{wrong}");
    }
}

#[test]
fn what_is_banned_unlicensed_or_from_elsewhere_is_told() {
    let rules: Rules = toml::from_str(RULES).unwrap();
    let packages = "ours v0.1.0 (/here/ours)|MIT\n\ngood v1.0.0|MIT (*)\ngood v1.0.0|MIT\n\
                    ring v0.17.0|MIT\nclosed v1.0.0|\ncopyleft v2.0.0|GPL-3.0\n\
                    far v1.0.0 (https://example.test/far#1)|MIT";
    assert_eq!(
        rules.violations(packages).unwrap(),
        [
            "ring v0.17.0 is banned: twice",
            "closed v1.0.0: ``: a licence is missing",
            "copyleft v2.0.0: `GPL-3.0` is not allowed",
            "far v1.0.0 (https://example.test/far#1) does not come from a registry",
        ]
    );
}

#[test]
fn what_a_lock_names_and_no_build_holds_is_not_banned() {
    let lock = "[[package]]\nname = \"ours\"\ndependencies = [\"tls\"]\n\
                [[package]]\nname = \"tls\"\ndependencies = [\"ring 0.17.0\"]\n\
                [[package]]\nname = \"ring\"\n";
    let lock = builds::locked(lock).unwrap();
    assert_eq!(builds::named_by(&lock, "ring"), ["tls"]);
    let rules: Rules = toml::from_str(RULES).unwrap();
    let without = "ours v0.1.0 (/here/ours)|MIT\ntls v1.0.0|MIT";
    assert_eq!(rules.banned(without), [""; 0]);
    assert!(!rules::holds(without, "ring"));
    let with = "ours v0.1.0 (/here/ours)|MIT\nring v0.17.0|MIT (*)";
    assert_eq!(rules.banned(with), ["ring v0.17.0 is banned: twice"]);
    assert!(rules::holds(with, "ring"));
}

#[test]
fn no_build_of_ours_has_ring() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let text = std::fs::read_to_string(root.join("deny.toml")).unwrap();
    let rules: Rules = toml::from_str(&text).unwrap();
    assert!(rules.bans("ring").is_some());
    let packages = builds::packages(root, rules.targets()).unwrap();
    assert!(
        rules::holds(&packages, "aws-lc-rs"),
        "cargo tree tells the dependencies"
    );
    assert_eq!(rules.banned(&packages), [""; 0]);
}
