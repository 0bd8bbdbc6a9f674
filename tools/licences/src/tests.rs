#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

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
    let rules: Rules = toml::from_str(
        "[licenses]\nallow = [\"MIT\"]\n[bans]\ndeny = [{ crate = \"ring\", reason = \"twice\" }]",
    )
    .unwrap();
    let packages = "ours v0.1.0 (/here/ours)|MIT\n\ngood v1.0.0|MIT (*)\ngood v1.0.0|MIT\n\
                    ring v0.17.0|MIT\nclosed v1.0.0|\ncopyleft v2.0.0|GPL-3.0\n\
                    far v1.0.0 (https://example.test/far#1)|MIT";
    assert_eq!(
        violations(&rules, packages).unwrap(),
        [
            "closed v1.0.0: ``: a licence is missing",
            "copyleft v2.0.0: `GPL-3.0` is not allowed",
            "far v1.0.0 (https://example.test/far#1) does not come from a registry",
            "ring v0.17.0 is banned: twice",
        ]
    );
}
