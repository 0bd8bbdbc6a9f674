use super::*;

#[test]
fn a_user_is_found_by_name_and_is_not_root() {
    let users = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65533::/:/bin/false\ntoor:x:0:0::/:\n";
    let nobody = User {
        name: "nobody",
        uid: 65534,
        gid: 65533,
    };
    assert_eq!(user(users, "nobody"), Some(nobody));
    assert_eq!(user(users, "postgres"), None);
    assert_eq!(user(users, "toor"), None);
}
