#![allow(clippy::unwrap_used)] // A failed unwrap is the test's failure.

use std::os::unix::fs::MetadataExt as _;

use serde::Deserialize;

use super::*;
use crate::config::load;

/// A section like those of the services.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
struct Section {
    #[schemars(extend("type-name" = "key file"))]
    secret_key_file: Option<PathBuf>,
    #[schemars(extend("type-name" = "file"))]
    authorities: Option<PathBuf>,
    #[serde(default)]
    listener: Vec<Listener>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Listener {
    #[schemars(extend("type-name" = "file"))]
    authority: PathBuf,
}

const TLS: &str = "[tls]\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n\
                   [internal-tls]\nca = \"ca.pem\"\ncertificate = \"i.pem\"\nkey = \"i.key\"\n";

fn needs(text: &str) -> Needs {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("postern.toml");
    std::fs::write(&file, format!("{TLS}{text}")).unwrap();
    let loaded: Loaded<Section> = load("queue", &file, true, &[]).unwrap();
    assert!(loaded.own.authorities.is_none() || loaded.own.secret_key_file.is_some());
    assert!(
        loaded
            .own
            .listener
            .iter()
            .all(|one| one.authority.is_relative())
    );
    Needs::of("queue", &loaded)
}

fn keys(files: &[NamedFile]) -> Vec<String> {
    files.iter().map(NamedFile::key).collect()
}

#[test]
fn a_process_needs_the_files_of_its_own_section_and_those_of_internal_tls_where_it_speaks_it() {
    let text = "[queue]\nsecret-key-file = \"key\"\nauthorities = \"a.pem\"\n";
    let own = ["[queue] secret-key-file", "[queue] authorities"];
    let here = needs(&format!("{text}listen = \"unix:run/queue.sock\"\n"));
    let found = keys(&here.files);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(own.iter().all(|key| found.contains(&(*key).to_owned())));
    assert!(here.files.iter().any(|named| named.is_made));
    assert_eq!(here.renewed, []);
    assert!(here.sockets.unwrap().ends_with("run"));

    for elsewhere in [
        format!("{text}listen = \"0.0.0.0:7101\"\n"),
        format!("{text}[endpoints]\nmailbox-store = \"https://store:7102\"\n"),
    ] {
        let found = keys(&needs(&elsewhere).files);
        assert!(
            found.contains(&"[internal-tls] key".to_owned()),
            "{found:?}"
        );
        assert_eq!(found.len(), 5);
    }
}

#[test]
fn what_listeners_show_has_been_read_before() {
    let listens = needs("[[queue.listener]]\nauthority = \"clients.pem\"\n");
    let renewed = [
        "[tls] certificate",
        "[tls] key",
        "[queue.listener] authority",
    ];
    assert_eq!(keys(&listens.renewed), renewed);
    assert_eq!(keys(&listens.files), Vec::<String>::new());
}

#[test]
fn files_of_the_database_are_known_by_parameters_and_variables() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, "").unwrap();
        path
    };
    let (key, root, passwords) = (file("client key"), file("root.pem"), file(".pgpass"));
    let url = |user: &str| {
        let key = key.display().to_string().replace(' ', "%20");
        format!(
            "postgres://{user}db.example.test/postern?sslmode=require&sslkey={key}&sslcert=/missing"
        )
    };
    let environment = |name: &str| match name {
        "PGSSLROOTCERT" => Some(root.display().to_string()),
        "PGSSLKEY" => Some("/not/asked".to_owned()),
        "HOME" => Some(folder.path().display().to_string()),
        _ => None,
    };
    let with_passwords = vec![root.clone(), key.clone(), passwords];
    assert_eq!(database_files(&url(""), environment), with_passwords);
    assert_eq!(
        database_files(&url("postern@"), environment),
        with_passwords
    );
    assert_eq!(
        database_files(&url("postern:secret@"), environment),
        [root.clone(), key.clone()]
    );
    assert_eq!(database_files("", |_| None), Vec::<PathBuf>::new());
}

#[test]
fn the_folder_of_the_socket_is_made_for_the_user_and_one_that_is_there_stays() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("SKIPPED: not root");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let user = User {
        name: "nobody",
        uid: 54_321,
        gid: 54_322,
    };
    std::fs::create_dir(place.path().join("roots")).unwrap();
    for (folder, owner) in [("run/postern", 54_321), ("roots", 0)] {
        let folder = place.path().join(folder);
        let needs = Needs {
            sockets: Some(folder.clone()),
            ..Needs::default()
        };
        needs.make_folder(&user).unwrap();
        let found = folder.metadata().unwrap();
        assert_eq!(found.uid(), owner);
        assert!(owner == 0 || found.mode() & 0o777 == 0o700);
    }
    let above = place.path().join("run").metadata().unwrap();
    assert_eq!((above.uid(), above.mode() & 0o755), (0, 0o755));
}
