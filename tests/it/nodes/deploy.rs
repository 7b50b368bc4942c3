//! What operators are given in `deploy/`: read, checked and run as it is.

use keju_tests::kit::server::binary;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Output};
use ws_gateway::config::Config;

fn deploy(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(deploy(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[track_caller]
fn done(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?}: {said}");
    said
}

/// A leader is lost to its synchronous standby, and a site goes back to the moment before a mistake: the scripts and
/// settings of `deploy/postgres`, with servers of their own.
#[test]
fn the_restore_drill_passes() {
    let said = done(Command::new("python3").arg(deploy("drill/restore")).env("KEJU_BIN", binary()));
    for shown in [
        "no answer is acknowledged that the standby does not have",
        "acknowledged answers are at the new leader",
        "everything acknowledged before that moment is there",
        "and nothing after it",
    ] {
        assert!(said.contains(shown), "{shown}: {said}");
    }
    assert!(said.trim_end().ends_with("passed"), "{said}");
}

#[test]
fn the_compose_file_is_one_and_names_files_that_are_there() {
    let read = done(Command::new("docker-compose").arg("-f").arg(deploy("compose.yaml")).arg("config"));
    for service in ["balancer", "leader", "node1", "node2", "standby"] {
        assert!(read.contains(&format!("  {service}:\n")), "{service}: {read}");
    }
    let mounted: Vec<&str> = read.lines().filter_map(|line| line.trim().strip_prefix("- ")).collect();
    let files: Vec<&str> = mounted.iter().filter(|line| line.contains("/deploy/")).map(|line| from_of(line)).collect();
    assert_eq!(files.len(), 3, "{mounted:?}");
    for file in files {
        assert!(PathBuf::from(file).is_file(), "{file} is not there");
    }
}

/// What is mounted, in `/from:/to:ro`.
fn from_of(line: &str) -> &str {
    line.split(':').next().unwrap_or_default()
}

/// A setting that is misspelt in an environment is not noticed by the program: whatever begins with KEJU_ in these files
/// is one that it has.
#[test]
fn every_setting_named_is_one() {
    let _: Config = toml::from_str(&read("keju.toml")).unwrap_or_else(|error| panic!("{error}"));
    let default = toml::Table::try_from(Config::default()).unwrap_or_else(|error| panic!("{error}"));
    let mut known: BTreeSet<String> = default.keys().map(|name| format!("KEJU_{}", name.to_uppercase())).collect();
    for (section, value) in &default {
        let names = value.as_table().into_iter().flat_map(toml::Table::keys);
        known.extend(names.map(|name| format!("KEJU_{}_{}", section.to_uppercase(), name.to_uppercase())));
    }
    // Those of the balancer's own file.
    known.extend(["KEJU_BIND", "KEJU_NODE_1", "KEJU_NODE_2"].map(str::to_owned));
    let mut named = BTreeSet::new();
    for file in ["compose.yaml", "haproxy.cfg", "keju.service", "Dockerfile"] {
        let text = read(file);
        let words = text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
        named.extend(words.filter(|word| word.starts_with("KEJU_")).map(str::to_owned));
    }
    assert!(named.len() > 6, "{named:?}");
    let unknown: Vec<&String> = named.difference(&known).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
