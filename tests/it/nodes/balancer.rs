//! Two nodes behind a balancer, configured by the files that operators are given: sockets go through, a node that is
//! killed is not missed, and nodes are replaced one by one.

use super::Nodes;
use keju_tests::kit::server::Settings;
use keju_tests::kit::{Backend, Bank, Client, Server, Site, Stream, command_id, eventually, id, number, slots};
use reqwest::Method;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

#[derive(Clone, Copy, Debug)]
enum Kind {
    Haproxy,
    Nginx,
}

/// A balancer with the shipped configuration; gone when it is dropped.
struct Balancer {
    child: Child,
    url: String,
    folder: TempDir,
}

impl Balancer {
    async fn start(kind: Kind, nodes: &[&str; 2]) -> Self {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap_or_else(|error| panic!("{error}"));
        let address = free.local_addr().unwrap_or_else(|error| panic!("{error}")).to_string();
        drop(free);
        let mut command = match kind {
            Kind::Haproxy => {
                let mut command = Command::new("haproxy");
                command.args(["-db", "-f"]).arg(deploy.join("haproxy.cfg")).env("KEJU_BIND", &address);
                command.env("KEJU_NODE_1", nodes[0]).env("KEJU_NODE_2", nodes[1]);
                command
            }
            Kind::Nginx => nginx(&deploy, folder.path(), &address, nodes),
        };
        // Ended with the test's process, however that ends; a group of its own, for its workers.
        let log = fs::File::create(folder.path().join("log")).unwrap_or_else(|error| panic!("{error}"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).process_group(0);
        let child = command.spawn().unwrap_or_else(|error| panic!("{kind:?} does not start: install it: {error}"));
        let balancer = Self { child, url: format!("http://{address}"), folder };
        let client = Client::new(&balancer.url, "probe");
        let up = async || {
            let reply = client.try_send(client.request(Method::GET, "/healthz")).await.ok()?;
            (reply.status == 200).then_some(())
        };
        eventually("a balancer", Duration::from_secs(20), up).await;
        balancer
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

/// The file stands among others of nginx's own, as on a server; only its addresses are changed.
fn nginx(deploy: &Path, folder: &Path, address: &str, nodes: &[&str; 2]) -> Command {
    let text = fs::read_to_string(deploy.join("nginx.conf")).unwrap_or_else(|error| panic!("{error}"));
    let mut given = text.clone();
    for (from, to) in
        [("10.0.0.11:8080", nodes[0]), ("10.0.0.12:8080", nodes[1]), ("listen 8000;", &format!("listen {address};"))]
    {
        assert!(given.contains(from), "{from}");
        given = given.replace(from, to);
    }
    let here = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {here}/{name};\n"))
        .concat();
    let around = format!(
        "daemon off;\npid {here}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}include {here}/keju.conf;\n}}\n"
    );
    for (name, text) in [("keju.conf", given.as_str()), ("nginx.conf", &around)] {
        fs::write(folder.join(name), text).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let mut command = Command::new("nginx");
    command.arg("-p").arg(folder).arg("-c").arg(folder.join("nginx.conf"));
    if rustix::process::getuid().is_root() {
        // Its workers would not be let into the folder.
        command.args(["-g", "user root;"]);
    }
    command
}

impl Drop for Balancer {
    fn drop(&mut self) {
        // The whole group: workers do not end with a killed parent.
        let group = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the balancer's log ---\n{}", self.log());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_behind_haproxy_are_killed_and_replaced() {
    story(Kind::Haproxy).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_behind_nginx_are_killed_and_replaced() {
    story(Kind::Nginx).await;
}

async fn story(kind: Kind) {
    let config = Some("trusted_proxies = [\"127.0.0.1\"]\n".to_owned());
    let site = Site::start_with(Settings { config, ..Backend::Postgres.settings() }, Bank::generated(8, false)).await;
    let other = site.server.another_node(2);
    let mut nodes = Nodes { site, other };
    let balancer = Balancer::start(kind, &[nodes.site.server.address(), nodes.other.address()]).await;
    let exam = nodes.site.exam(&json!({})).await;
    let learner = nodes.site.learner().await;
    let by = learner.device(&balancer.url, "behind the balancer").await;
    let attempt = by.start(&exam, "exam").await.ok(201);
    let hidden = by.send(by.request(Method::GET, "/metrics")).await.status;
    assert_eq!(hidden, 404, "what is for the machine's own eyes");

    // A socket through it, over which the server speaks when a proctor acts.
    let mut stream = Stream::hello(&by, "attempt", &id(&attempt)).await;
    stream.expect("welcome").await;
    nodes.site.proctor.act(&id(&attempt), "extend", "断电", Some(5)).await.ok(200);
    stream.until("extended").await;

    let (count, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let work = tokio::spawn(answer_all_the_while(
        by.clone(),
        attempt.clone(),
        nodes.site.bank.clone(),
        (Arc::clone(&count), Arc::clone(&ended)),
    ));
    let answered = async |more: usize| {
        let wanted = count.load(Ordering::Relaxed) + more;
        let enough = async || (count.load(Ordering::Relaxed) >= wanted).then_some(());
        eventually("answers", Duration::from_secs(60), enough).await;
    };
    answered(30).await;
    // Killed: whoever was there repeats at the other one.
    nodes.other.kill9();
    answered(60).await;
    nodes.other.start_again();
    answered(30).await;
    // Replaced one by one, as for an upgrade.
    replace(&mut nodes.other);
    answered(60).await;
    replace(&mut nodes.site.server);
    answered(60).await;
    ended.store(true, Ordering::Relaxed);
    let (last, refused) = work.await.unwrap_or_else(|error| panic!("{error}"));
    eprintln!("{kind:?}: {} answers, repeated: {refused:?}", count.load(Ordering::Relaxed));

    // All of it is there, and a new socket as well.
    let read = by.attempt(&id(&attempt)).await.ok(200);
    for (slot, (seq, response)) in last {
        assert_eq!(read["answers"][slot.to_string()]["seq"], seq, "slot {slot}");
        assert_eq!(read["answers"][slot.to_string()]["response"]["choices"], response["choices"], "slot {slot}");
    }
    let mut stream = Stream::hello(&by, "attempt", &id(&attempt)).await;
    stream.expect("welcome").await;
    assert_eq!(by.submit(&id(&attempt)).await.ok(200)["state"], "submitted");
}

fn replace(node: &mut Server) {
    node.terminate();
    node.start_again();
}

type Last = std::collections::HashMap<u64, (Value, Value)>;

/// Answers round and round, each command repeated until it is acknowledged; the last receipt of each slot, and what had
/// to be repeated.
async fn answer_all_the_while(
    by: Client,
    attempt: Value,
    bank: Bank,
    (count, ended): (Arc<AtomicUsize>, Arc<AtomicBool>),
) -> (Last, Vec<String>) {
    let (mut last, mut repeated) = (Last::new(), Vec::new());
    let slots = slots(&attempt);
    let choices: Vec<Value> = slots.into_iter().filter(|slot| bank.right(slot)["choices"].is_array()).collect();
    for round in 0.. {
        for slot in &choices {
            if ended.load(Ordering::Relaxed) {
                return (last, repeated);
            }
            let response = if round % 2 == 0 { bank.right(slot) } else { bank.wrong(slot) };
            let body = json!({"command_id": command_id(), "response": response});
            let path = format!("/api/v1/attempts/{}/answers/{}", id(&attempt), number(slot));
            let receipt = insist(&by, &path, &body, &mut repeated).await;
            last.insert(number(slot), (receipt["seq"].clone(), response));
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
    (last, repeated)
}

/// The same command until it is acknowledged.
async fn insist(by: &Client, path: &str, body: &Value, repeated: &mut Vec<String>) -> Value {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match by.try_send(by.request(Method::PUT, path).json(body)).await {
            Ok(reply) if reply.status == 200 => return reply.json,
            Ok(reply) => {
                assert!(matches!(reply.status, 502..=504), "{}", reply.text());
                repeated.push(reply.status.to_string());
            }
            Err(error) => repeated.push(error.to_string()),
        }
        assert!(Instant::now() < deadline, "{path} was not acknowledged: {repeated:?}");
        tokio::task::yield_now().await;
    }
}
