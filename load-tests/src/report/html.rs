//! The page: one file, no script, nothing from elsewhere.

use super::{Report, bound, plots};
use crate::measure::Work;
use std::fmt::Write;

const STYLE: &str = "body{font:15px/1.5 system-ui,'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif;\
color:#1c1c1e;background:#fff;max-width:800px;margin:2rem auto;padding:0 1rem}h1{font-size:1.5rem}h2{font-size:1.1rem;\
margin:2rem 0 .5rem}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{padding:.25rem .5rem;\
border-bottom:1px solid #e3e3e6;text-align:right}th:first-child,td:first-child{text-align:left}td.text{text-align:left}\
.verdict{padding:.75rem 1rem;border-radius:.5rem;font-weight:600}.good{background:#e7f5ea;color:#14532d}\
.wide{overflow-x:auto}.bad{background:#fdeaea;color:#7f1d1d}.plot{overflow-x:auto}svg{width:100%;min-width:36rem;height:auto}pre{background:#f5f5f7;padding:1rem;overflow:auto;\
font-size:12px}small{color:#5c5c60}";

/// The whole page.
///
/// # Errors
/// A plot cannot be drawn.
pub fn page(report: &Report) -> anyhow::Result<String> {
    let mut page = String::new();
    let scenario = report.scenario.as_ref();
    let name = scenario.map_or("", |scenario| scenario.name.as_str());
    let about = scenario.map_or("", |scenario| scenario.about.as_str());
    write!(
        page,
        "<!doctype html><html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{name} · 科举压力测试</title><style>{STYLE}</style></head><body>\
         <h1>压力测试 / Load test: {}</h1><p>{}</p>",
        escape(name),
        escape(about)
    )?;
    head(&mut page, report)?;
    work(&mut page, report)?;
    demands(&mut page, report)?;
    drawings(&mut page, report)?;
    findings(&mut page, report)?;
    if let Some(scenario) = scenario {
        let text = toml::to_string_pretty(scenario)?;
        write!(page, "<h2>方案 / Scenario</h2><pre>{}</pre>", escape(&text))?;
    }
    page.push_str("</body></html>\n");
    Ok(page)
}

fn head(page: &mut String, report: &Report) -> anyhow::Result<()> {
    let class = if report.good() { "good" } else { "bad" };
    let verdict = if report.nothing_lost() { "没有丢失 / " } else { "有承诺未兑现 / " };
    write!(page, "<p class=\"verdict {class}\">{verdict}{}</p>", escape(&report.verdict()))?;
    if report.interrupted {
        page.push_str("<p class=\"verdict bad\">提前结束 / ended early</p>");
    }
    page.push_str("<h2>容量估计 / Capacity</h2><ul>");
    for line in &report.capacity {
        write!(page, "<li>{}</li>", escape(line))?;
    }
    page.push_str("</ul>");
    write!(
        page,
        "<p><small>{} · {} · {} 人 / learners × {} · {:.0} s · {} 个进程 / processes · \
         事先建立并登录学员 {:.1} s（其中登录 {:.1} s）/ people made and signed in beforehand · \
         收 {:.1} MB，发 {:.1} MB，{} 个连接 / received, sent, connections</small></p>",
        escape(&report.server),
        escape(&report.began),
        report.learners,
        report.scale,
        report.seconds,
        report.processes,
        report.people_seconds,
        report.sign_in_seconds,
        report.traffic[0] as f64 / 1e6,
        report.traffic[1] as f64 / 1e6,
        report.traffic[2],
    )?;
    Ok(())
}

fn work(page: &mut String, report: &Report) -> anyhow::Result<()> {
    page.push_str(
        "<h2>延迟 / Latency, ms</h2><p><small>从应当发出的时刻算起 / from the time each request was due</small></p>\
         <div class=\"wide\"><table><tr><th></th><th>完成 / done</th><th>/s</th><th>p50</th><th>p95</th><th>p99</th><th>p99.9</th><th>max</th></tr>",
    );
    for (name, work) in &report.measured.work {
        write!(
            page,
            "<tr><td>{name}</td><td>{}</td><td>{:.1}</td>",
            work.ok,
            work.ok as f64 / report.seconds.max(0.001)
        )?;
        for share in [0.5, 0.95, 0.99, 0.999] {
            write!(page, "<td>{:.2}</td>", work.quantile_ms(share))?;
        }
        write!(page, "<td>{:.2}</td></tr>", work.max_ms())?;
    }
    page.push_str("</table></div>");
    let codes = |work: &Work| {
        work.failed.iter().chain(&work.told).map(|(code, count)| (code.clone(), *count)).collect::<Vec<_>>()
    };
    if report.measured.work.values().any(|work| !codes(work).is_empty()) {
        page.push_str(
            "<h2>其他回应 / Other answers</h2><div class=\"wide\"><table><tr><th></th><th>code</th><th>最终 / final</th><th>途中 / on the way</th></tr>",
        );
        for (name, work) in &report.measured.work {
            for (code, count) in &work.failed {
                write!(page, "<tr><td>{name}</td><td>{}</td><td>{count}</td><td></td></tr>", escape(code))?;
            }
            for (code, count) in &work.told {
                write!(page, "<tr><td>{name}</td><td>{}</td><td></td><td>{count}</td></tr>", escape(code))?;
            }
        }
        page.push_str("</table></div>");
    }
    Ok(())
}

fn demands(page: &mut String, report: &Report) -> anyhow::Result<()> {
    if report.thresholds.is_empty() {
        return Ok(());
    }
    page.push_str("<h2>指标 / Thresholds</h2><div class=\"wide\"><table><tr><th></th><th></th><th>实测 / measured</th><th></th></tr>");
    for outcome in &report.thresholds {
        let value = outcome.value.map_or("–".to_owned(), |value| format!("{value:.3}"));
        let verdict = if outcome.holds { "达标 / holds" } else { "未达标 / does not hold" };
        write!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{value}</td><td>{verdict}</td></tr>",
            escape(&outcome.threshold.figure),
            bound(outcome)
        )?;
    }
    page.push_str("</table></div>");
    Ok(())
}

fn drawings(page: &mut String, report: &Report) -> anyhow::Result<()> {
    let marks = phase_marks(report);
    let mut draw = |title: &str, x: &str, y: &str, lines: Vec<plots::Line>, marks: &[f64]| -> anyhow::Result<()> {
        let svg = plots::lines(x, y, &lines, marks)?;
        if !svg.is_empty() {
            write!(page, "<h2>{title}</h2><div class=\"plot\">{svg}</div>")?;
        }
        Ok(())
    };
    draw("在场人数 / Learners", "s", "", plots::crowd(report), &marks)?;
    draw("速率 / Rates", "s", "1/s", plots::rates(report), &marks)?;
    for (name, work) in report.measured.work.iter().filter(|(_, work)| work.ok >= 10) {
        if name == "lesson" {
            // It takes as long as it plays.
            continue;
        }
        draw(&format!("延迟 / Latency: {name}"), "s", "ms", plots::latency(report, work), &marks)?;
    }
    draw("按百分位 / By percentile: 1 = 90 %, 2 = 99 %, 3 = 99.9 %", "", "ms", plots::percentiles(report), &[])?;
    draw("其他回应 / Other answers", "s", "1/s", plots::errors(report), &marks)?;
    let queue = [("keju_start_queue", "start queue"), ("keju_start_pace", "starts a second let through")];
    draw("服务器：开考排队 / Server: queue of starts", "s", "", plots::server(report, &queue, false), &marks)?;
    let room = [("keju_room_active", "learners inside"), ("keju_room_cap", "may be inside, -1: no bound")];
    draw("服务器：在内人数 / Server: learners inside", "s", "", plots::server(report, &room, false), &marks)?;
    let busy = [
        ("keju_requests_in_work", "requests in work"),
        ("keju_connections", "connections"),
        ("keju_sockets", "sockets"),
        ("keju_attempts_cached", "attempts in memory"),
    ];
    draw("服务器：占用 / Server: in use", "s", "", plots::server(report, &busy, false), &marks)?;
    let counted = [
        ("keju_starts_total", "starts"),
        ("keju_answers_total", "answers"),
        ("keju_submissions_total", "submissions"),
        ("keju_expiries_total", "expiries"),
        ("keju_challenges_total", "challenges"),
        ("keju_verdicts_total", "verdicts"),
        ("keju_completions_total", "lessons completed"),
    ];
    draw("服务器：计数 / Server: counted", "s", "1/s", plots::server(report, &counted, true), &marks)?;
    let cpu = [("process_cpu_seconds_total", "cores in use")];
    draw("服务器：处理器 / Server: processor", "s", "", plots::server(report, &cpu, true), &marks)?;
    let memory = plots::scaled(plots::server(report, &[("process_resident_memory_bytes", "memory")], false), 1e-6);
    draw("服务器：内存 / Server: memory", "s", "MB", memory, &marks)?;
    let files = [("process_open_fds", "descriptors")];
    draw("服务器：文件描述符 / Server: descriptors", "s", "", plots::server(report, &files, false), &marks)
}

/// Where one phase ends and the next begins, in seconds.
fn phase_marks(report: &Report) -> Vec<f64> {
    let phases = report.scenario.iter().flat_map(|scenario| &scenario.phases);
    phases
        .scan(0, |ends, phase| {
            *ends += phase.seconds;
            Some(*ends as f64)
        })
        .collect()
}

fn findings(page: &mut String, report: &Report) -> anyhow::Result<()> {
    if report.findings.is_empty() {
        return Ok(());
    }
    page.push_str(
        "<h2>未兑现的承诺 / Broken promises</h2><div class=\"wide\"><table><tr><th></th><th>learner</th><th>subject</th><th></th></tr>",
    );
    for finding in &report.findings {
        write!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"text\">{}</td></tr>",
            finding.wrong.name(),
            finding.learner,
            escape(&finding.subject),
            escape(&finding.detail)
        )?;
    }
    let all: u64 = report.wrong.values().sum();
    write!(page, "</table></div><p><small>{} / {all}</small></p>", report.findings.len())?;
    Ok(())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
