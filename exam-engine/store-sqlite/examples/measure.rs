#![allow(missing_docs, clippy::unwrap_used)]
use exam_store::story::kit::*;
use exam_store::*;
use exam_store_sqlite::*;
use std::sync::Arc;
use std::time::Instant;
#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let folder = tempfile::tempdir_in("/work").unwrap();
    let s = Arc::new(SqliteStore::open(folder.path().join("m.db"), &Options::default()).unwrap());
    let store: Arc<dyn Store> = Arc::<SqliteStore>::clone(&s);
    let exam = new_exam(&store).await.id;
    let mut logs = vec![];
    for _ in 0..256 {
        logs.push(started(&store, new_learner(&store).await, exam, 1).await.1);
    }
    for n in [1usize, 16, 64, 256] {
        let t = Instant::now();
        let mut lat = vec![];
        let work: Vec<_> = logs[..n]
            .iter()
            .cloned()
            .map(|mut log| {
                let store = Arc::clone(&store);
                async move {
                    let mut l = vec![];
                    let t0 = Instant::now();
                    while t0.elapsed().as_millis() < 3000 {
                        let c = log.answer("一个回答，大约一百个字节的正文，用来度量写入");
                        let t1 = Instant::now();
                        store.commit(c).await.unwrap();
                        l.push(t1.elapsed().as_micros());
                    }
                    (log, l)
                }
            })
            .collect();
        let done = at_once(work).await;
        let el = t.elapsed().as_secs_f64();
        for (i, (log, l)) in done.into_iter().enumerate() {
            logs[i] = log;
            lat.extend(l);
        }
        lat.sort_unstable();
        let c = lat.len();
        println!(
            "group {n}: {:.0}/s p50 {}us p99 {}us max {}us",
            c as f64 / el,
            lat[c / 2],
            lat[c * 99 / 100],
            lat[c - 1]
        );
    }
    // one transaction each
    {
        let path = folder.path().join("one.db");
        {
            SqliteStore::open(&path, &Options::default()).unwrap().close().await;
        }
        let conn = rusqlite::Connection::open(&path).unwrap();
        conn.execute_batch(
            "pragma journal_mode=wal; pragma synchronous=full; pragma wal_autocheckpoint=4000; pragma foreign_keys=off",
        )
        .unwrap();
        let row = attempt(exam_core::PersonId(new_id()), exam, 1);
        let mut log = Log::new(&row);
        let t = Instant::now();
        let mut c = 0;
        while t.elapsed().as_millis() < 3000 {
            let st = log.answer("一个回答，大约一百个字节的正文，用来度量写入").steps.remove(0);
            conn.prepare_cached("INSERT INTO steps VALUES (?,?,?,?,?,?,?,?,?)")
                .unwrap()
                .execute(rusqlite::params![
                    st.learner.bytes(),
                    st.attempt.bytes(),
                    st.seq,
                    st.at.ms(),
                    st.actor.map(|a| a.bytes()),
                    st.node,
                    st.command.unwrap().0.into_bytes(),
                    st.command.unwrap().1,
                    st.body,
                    st.hash
                ])
                .unwrap();
            c += 1;
        }
        println!("one insert per transaction, one connection: {:.0}/s", c as f64 / 3.0);
    }
    // raw writer speed: 4096-batches
    {
        let mut cs = vec![];
        for i in 0..200_000 {
            let log = &mut logs[i % 256];
            cs.push(log.answer("一个回答，大约一百个字节的正文，用来度量写入"));
        }
        let t = Instant::now();
        let futs: Vec<_> = cs
            .into_iter()
            .map(|c| {
                let s = Arc::clone(&s);
                async move { s.commit(c).await.unwrap() }
            })
            .collect();
        at_once(futs).await;
        println!("200k commits offered at once: {:.0}/s", 200_000.0 / t.elapsed().as_secs_f64());
    }
    // big bank
    let b = bank("big");
    store.create_bank(b.clone(), act("c")).await.unwrap();
    let long = "题干".repeat(150);
    let items: Vec<_> = (0..100_000).map(|n| item(&format!("q{n:06}"), &long)).collect();
    let t = Instant::now();
    store.put_items(b.id, items, ItemState::Ready, at(0), act("p")).await.unwrap();
    println!("put 100k items {:?}", t.elapsed());
    for _ in 0..2 {
        let t = Instant::now();
        let n = store.items_at(b.id, 1).await.unwrap().len();
        println!("items_at {n} {:?}", t.elapsed());
    }
    let t = Instant::now();
    store.content_hashes(b.id).await.unwrap();
    println!("hashes {:?}", t.elapsed());
    let t = Instant::now();
    let people: Vec<_> = (0..20_000).map(|n| person(&format!("x{n}"))).collect();
    store.create_people(people, act("p")).await.unwrap();
    println!("20k people {:?}", t.elapsed());
    let t = Instant::now();
    for _ in 0..2000 {
        store.session([1; 32]).await.unwrap();
    }
    println!("session read {:?}", t.elapsed() / 2000);
    let t = Instant::now();
    store.backup_to(&folder.path().join("copy.db")).await.unwrap();
    println!("backup {:?}", t.elapsed());
    let t = Instant::now();
    s.close().await;
    println!("close {:?}", t.elapsed());
}

fn cpu() -> f64 { let s = std::fs::read_to_string("/proc/self/stat").unwrap(); let v: Vec<&str> = s.rsplit(") ").next().unwrap().split(' ').collect(); (v[11].parse::<f64>().unwrap() + v[12].parse::<f64>().unwrap()) / 100.0 }
