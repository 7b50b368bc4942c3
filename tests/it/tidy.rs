//! Rules about the repository itself, as tests: what the compiler and its lints cannot see.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use ws_gateway::config::Config;
use ws_gateway::messages::PROBLEMS;

/// Lines of a Rust file; a longer one is asking for a second room.
const LINES_MAX: usize = 600;

/// A file of the repository: its path from the root, and its text.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// Rust that is part of a product, without its unit tests.
    fn product(&self) -> Option<&str> {
        let is_test = |path: &str| {
            ["tests/", "benches/"].iter().any(|folder| path.starts_with(folder))
                || ["/examples/", "/tests/", "/tests.rs", "/story"].iter().any(|part| path.contains(part))
        };
        let whole = (self.path.ends_with(".rs") && !is_test(&self.path)).then_some(self.text.as_str())?;
        Some(whole.split("#[cfg(test)]").next().unwrap_or_default())
    }

    /// Rust that only tests run.
    fn tests(&self) -> Option<&str> {
        if !self.path.ends_with(".rs") {
            return None;
        }
        match self.product() {
            Some(product) => self.text.get(product.len()..),
            None if self.path.starts_with("benches/") || self.path.contains("/examples/") => None,
            None => Some(&self.text),
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All text files, in the order of their paths.
fn sources() -> Vec<Source> {
    let (root, mut found) = (root(), Vec::new());
    collect(&root, &root, &mut found);
    found.sort_by(|one, two| one.path.cmp(&two.path));
    assert!(found.len() > 100, "the repository was not found at {}", root.display());
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let skipped = ["target", "node_modules", "artifacts"].contains(&name.as_str());
        if skipped || (name.starts_with('.') && name != ".ci") {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, found);
        } else if let Ok(text) = fs::read_to_string(&path) {
            let path = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            found.push(Source { path, text });
        }
    }
}

/// Fails with all findings at once.
fn none(findings: impl IntoIterator<Item = String>, rule: &str) {
    let findings: Vec<String> = findings.into_iter().collect();
    assert!(findings.is_empty(), "{rule}:\n{}", findings.join("\n"));
}

/// The lines of a text that hold one of the words, as findings.
fn lines_with<'a>(path: &'a str, text: &'a str, words: &'a [String]) -> impl Iterator<Item = String> + 'a {
    text.lines().enumerate().filter_map(move |(index, line)| {
        let word = words.iter().find(|word| line.contains(word.as_str()))?;
        Some(format!("{path}:{}: {word}", index + 1))
    })
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// The words, each given in two halves: this file must not hold them itself.
fn halves(words: &[(&str, &str)]) -> Vec<String> {
    words.iter().map(|(one, two)| format!("{one}{two}")).collect()
}

const PURE: [&str; 2] = ["question-bank/", "exam-engine/core/"];

#[test]
fn pure_crates_depend_on_nothing_that_acts() {
    let acting = ["tokio", "sqlx", "rusqlite", "axum", "hyper", "reqwest", "rand", "rustix", "moka", "governor"];
    for folder in PURE {
        let manifest: toml::Table = toml::from_str(&read(&format!("{folder}Cargo.toml"))).unwrap();
        let listed = manifest["dependencies"].as_table().unwrap();
        let found = acting.iter().filter(|name| listed.contains_key(**name)).map(|name| format!("{folder}: {name}"));
        none(found, "the pure crates are given time, randomness and data as arguments");
    }
}

#[test]
fn pure_crates_have_no_clock_no_dice_and_no_files() {
    let acting = words(&[
        "SystemTime",
        "Instant::now",
        "Timestamp::now",
        "Zoned::now",
        "thread_rng",
        "rand::",
        "from_os_rng",
        "Uuid::now_v7",
        "Uuid::new_v4",
        "std::fs",
        "std::net",
        "std::env",
        "std::thread",
    ]);
    let all = sources();
    let pure = all.iter().filter(|source| PURE.iter().any(|folder| source.path.starts_with(folder)));
    let found = pure.filter_map(|source| Some((source, source.product()?)));
    none(
        found.flat_map(|(source, text)| lines_with(&source.path, text, &acting).collect::<Vec<_>>()),
        "the pure crates are given time, randomness and data as arguments",
    );
}

#[test]
fn no_file_is_too_long() {
    let all = sources();
    let long = all.iter().filter(|source| source.path.ends_with(".rs") && source.text.lines().count() > LINES_MAX);
    none(long.map(|source| source.path.clone()), "split what is longer than 600 lines");
}

#[test]
fn nothing_is_unfinished_or_silenced() {
    let unfinished = halves(&[
        ("todo", "!("),
        ("unimplemented", "!("),
        ("dbg", "!("),
        ("#[all", "ow("),
        ("#![all", "ow("),
        ("#[ign", "ore"),
        ("TO", "DO"),
        ("FIX", "ME"),
        ("TEMP", "STUB"),
    ]);
    let all = sources();
    let rust = all.iter().filter(|source| source.path.ends_with(".rs"));
    none(
        rust.flat_map(|source| lines_with(&source.path, &source.text, &unfinished)),
        "finish it, or expect it with a reason",
    );
}

#[test]
fn every_expectation_has_its_reason() {
    let all = sources();
    let mut found = Vec::new();
    for source in all.iter().filter(|source| source.path.ends_with(".rs")) {
        // In two halves: this file must not hold it itself.
        for attribute in source.text.split(concat!("[exp", "ect(")).skip(1) {
            let attribute = attribute.split(")]").next().unwrap_or_default();
            if !attribute.contains("reason = ") {
                found.push(format!("{}: expect({attribute})", source.path));
            }
        }
        let Some(product) = source.product() else { continue };
        for (call, lint) in [(".unwrap()", "clippy::unwrap_used"), (".expect(\"", "clippy::expect_used")] {
            let code = product.lines().filter(|line| !line.trim_start().starts_with("//"));
            if code.clone().any(|line| line.contains(call)) && !product.contains(lint) {
                found.push(format!("{}: {call} without the invariant that makes it safe", source.path));
            }
        }
    }
    none(found, "say why it cannot fail");
}

#[test]
fn no_test_sleeps() {
    let sleeps = halves(&[("thread::", "sleep("), ("time::", "sleep("), ("sleep(Duration", "::")]);
    let all = sources();
    // The kit waits for conditions, and has to let others run between two looks.
    let is_kit = |path: &str| path.starts_with("tests/src/kit/") || path.starts_with("tests/cluster/");
    let tests = all.iter().filter(|source| !is_kit(&source.path));
    let tests = tests.filter_map(|source| Some((source, source.tests()?)));
    none(
        tests.flat_map(|(source, text)| lines_with(&source.path, text, &sleeps).collect::<Vec<_>>()),
        "time is an argument; wait for what happens, not for how long it usually takes",
    );
}

#[test]
fn no_package_host_is_named() {
    let hosts = halves(&[
        ("crates", ".io"),
        ("docs", ".rs/"),
        ("rsproxy", ".cn"),
        ("npmjs", ".com"),
        ("npmjs", ".org"),
        ("npmmirror", ".com"),
        ("pypi", ".org"),
        ("mirrors.", "aliyun"),
        ("mirrors.", "tuna"),
        ("mirrors.", "ustc"),
        ("ghcr", ".io"),
        ("docker", ".io"),
        ("cdn.", "jsdelivr"),
        ("unpkg", ".com"),
    ]);
    let all = sources();
    let kept = all.iter().filter(|source| source.path != "Cargo.lock" && !source.path.starts_with("ws-gateway/demo/"));
    none(
        kept.flat_map(|source| lines_with(&source.path, &source.text, &hosts)),
        "where packages come from is the affair of whoever builds",
    );
}

#[test]
fn the_text_speaks_of_the_project_only() {
    let tools = halves(&[
        ("clau", "de"),
        ("anthro", "pic"),
        ("chat", "gpt"),
        ("open", "ai"),
        ("co", "pilot"),
        ("language ", "model"),
    ]);
    let issue = format!("{} ", "issue");
    let all = sources();
    let mut found = Vec::new();
    for source in
        all.iter().filter(|source| source.path != "Cargo.lock" && !source.path.starts_with("ws-gateway/demo/"))
    {
        for (index, line) in source.text.lines().enumerate() {
            let small = line.to_lowercase();
            let numbered = small
                .split(&issue)
                .skip(1)
                .any(|rest| rest.trim_start_matches('#').starts_with(|character: char| character.is_ascii_digit()));
            let abbreviated = line
                .split(|character: char| !character.is_ascii_alphanumeric())
                .any(|word| word == concat!("A", "I") || word == concat!("LL", "M"));
            if numbered || abbreviated || tools.iter().any(|tool| small.contains(tool.as_str())) {
                found.push(format!("{}:{}: {}", source.path, index + 1, line.trim()));
            }
        }
    }
    none(found, "name what the code is about, not how it came to be");
}

#[test]
fn the_example_configuration_holds_every_setting_with_its_default() {
    let text = read("keju.example.toml");
    let example: Config = toml::from_str(&text).unwrap_or_else(|error| panic!("keju.example.toml: {error}"));
    assert_eq!(example, Config::default(), "the example holds the defaults");
    let default = toml::Table::try_from(Config::default()).unwrap();
    assert_eq!(keys("", &toml::from_str(&text).unwrap()), keys("", &default), "the example holds every setting");
}

fn keys(prefix: &str, table: &toml::Table) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (name, value) in table {
        match value.as_table() {
            Some(inner) => all.extend(keys(&format!("{prefix}{name}."), inner)),
            None => {
                all.insert(format!("{prefix}{name}"));
            }
        }
    }
    all
}

#[test]
fn both_readmes_explain_every_setting() {
    let default = toml::Table::try_from(Config::default()).unwrap();
    for readme in ["README.md", "README.zh-CN.md"] {
        let text = read(readme);
        let missing = keys("", &default).into_iter().filter(|key| !text.contains(&format!("| `{key}` |")));
        none(missing.map(|key| format!("{readme}: {key}")), "every setting has its row in the table");
    }
}

#[test]
fn both_readmes_give_the_same_commands() {
    let commands = |path: &str| -> Vec<String> {
        let text = read(path);
        // A comment may be in the language of its page.
        let bare = |block: &str| block.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
        text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()).map(bare).collect()
    };
    let (english, chinese) = (commands("README.md"), commands("README.zh-CN.md"));
    assert!(!english.is_empty());
    assert_eq!(english, chinese);
}

#[test]
fn every_problem_code_is_documented_with_its_status() {
    let text = read("docs/protocol-notes.md");
    let missing = PROBLEMS.iter().filter(|(code, status)| !text.contains(&format!("| `{code}` | {status} |")));
    none(missing.map(|(code, status)| format!("| `{code}` | {status} |")), "docs/protocol-notes.md lists every code");
}

#[test]
fn every_integrity_flag_is_documented_with_its_weight() {
    use exam_core::integrity::{FlagKind, INTEGRITY_VERSION};
    let text = read("docs/integrity.md");
    assert!(text.contains(&format!("`{INTEGRITY_VERSION}`")), "docs/integrity.md names the version of the weights");
    let all = [
        FlagKind::TooFast,
        FlagKind::RegularRhythm,
        FlagKind::AnsweredWhileAway,
        FlagKind::FocusLost,
        FlagKind::SuspiciousAct,
        FlagKind::TelemetryMissing,
        FlagKind::AddressChanged,
        FlagKind::AgentChanged,
        FlagKind::DeviceChanged,
        FlagKind::DevicesInterleaved,
        FlagKind::ChangeBurst,
    ];
    assert_eq!(all.len(), FlagKind::COUNT);
    let row = |kind: FlagKind| {
        let name = serde_json::to_value(kind).unwrap();
        format!("| `{}` | {} |", name.as_str().unwrap(), kind.weight())
    };
    none(all.map(row).into_iter().filter(|row| !text.contains(row)), "docs/integrity.md has a row for every flag");
}

#[test]
fn links_between_documents_resolve() {
    let all = sources();
    let mut broken = Vec::new();
    for source in all.iter().filter(|source| source.path.ends_with(".md")) {
        let folder = root().join(&source.path);
        let folder = folder.parent().unwrap();
        for rest in source.text.split("](").skip(1) {
            let link = rest.split([')', '#', ' ']).next().unwrap_or_default();
            if !link.is_empty() && !link.contains("://") && !folder.join(link).exists() {
                broken.push(format!("{}: {link}", source.path));
            }
        }
    }
    none(broken, "a link leads nowhere");
}

/// The paths of the repository that a document names in code spans exist, such as `exam-engine/core/src/start.rs`.
#[test]
fn paths_in_documents_exist() {
    let tops = ["question-bank/", "exam-engine/", "ws-gateway/", "migrations/", "benches/", "tests/", "docs/"];
    let all = sources();
    let mut missing = Vec::new();
    for source in all.iter().filter(|source| source.path.ends_with(".md")) {
        let spans = source.text.split("```").step_by(2).flat_map(|text| text.split('`').skip(1).step_by(2));
        for span in spans.filter(|span| tops.iter().any(|top| span.starts_with(top))) {
            let path = span.split([':', ' ', '#']).next().unwrap_or_default();
            let is_pattern = path.contains(['*', '{', '<', '…']);
            if !is_pattern && !root().join(path).exists() {
                missing.push(format!("{}: {path}", source.path));
            }
        }
    }
    none(missing, "a document names a file that is not there");
}

#[test]
fn every_migration_is_run_and_explained() {
    assert!(read("migrations/README.md").contains("Expand, then contract"));
    let all = sources();
    let names =
        |folder: &str| -> Vec<&str> { all.iter().filter_map(|source| source.path.strip_prefix(folder)).collect() };
    for backend in ["sqlite", "postgres"] {
        let list = read(&format!("exam-engine/store-{backend}/src/migrate.rs"));
        let files = names(&format!("migrations/{backend}/"));
        none(
            files.iter().filter(|name| !list.contains(&format!("{backend}/{name}"))).map(|name| (*name).to_owned()),
            "a migration is not in the list of migrate.rs",
        );
    }
    assert_eq!(names("migrations/sqlite/"), names("migrations/postgres/"), "each has its twin");
}
