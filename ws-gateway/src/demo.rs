//! The demo site: banks written for it, courses, exams, lessons, and people of every role.

mod lessons;
mod units;

use anyhow::{Context, bail};
use exam_core::Timestamp;
use exam_core::exam::{ExamRules, PracticePolicy, ReviewPolicy};
use exam_core::hours::{Bucket, Obligation, Subject};
use exam_core::ids::{BankId, CourseId};
use exam_core::person::Role;
use exam_service::{Engine, ExamDraft, Identity, ImportRequest, NewPerson};
use exam_store::{ItemState, Page};
use question_bank::{Blueprint, ItemKind, Points, Quota, Section, TopicPath};
use std::net::SocketAddr;

/// Everybody's password.
pub const PASSWORD: &str = "keju-demo";
/// How many learners there are: `learner`, `learner2` … `learner200`.
pub const LEARNERS: u32 = 200;
/// Says that a database is a demo site.
const MARK: &str = "demo";

/// One file a topic; see each for what it holds.
const PUBLIC_BANK: [(&str, &str); 11] = [
    ("sixiang.json", include_str!("../demo/sixiang.json")),
    ("ershida.json", include_str!("../demo/ershida.json")),
    ("fazhi.json", include_str!("../demo/fazhi.json")),
    ("zhiye.json", include_str!("../demo/zhiye.json")),
    ("kexue.json", include_str!("../demo/kexue.json")),
    ("tuandui.json", include_str!("../demo/tuandui.json")),
    ("huanghe.json", include_str!("../demo/huanghe.json")),
    ("zhishi.json", include_str!("../demo/zhishi.json")),
    ("wangluo.json", include_str!("../demo/wangluo.json")),
    ("renwen.json", include_str!("../demo/renwen.json")),
    ("qi.json", include_str!("../demo/qi.json")),
];
const PROFESSIONAL_BANK: [(&str, &str); 1] = [("anquan.json", include_str!("../demo/anquan.json"))];

/// Fills an empty site; leaves a demo site as it is.
///
/// # Errors
/// The database holds a real site.
pub async fn prepare(engine: &Engine) -> anyhow::Result<()> {
    if engine.store().setting(MARK).await?.is_some_and(|mark| mark == b"complete") {
        return Ok(());
    }
    if engine.anybody().await? {
        bail!("the database holds a site that is no demo: give another --database, or leave --demo out");
    }
    create_people(engine).await?;
    let admin = engine.sign_in("admin", PASSWORD.to_owned()).await.context("signing in as admin")?.identity;
    units::create(engine, &admin).await?;
    engine.sign_out(&admin).await?;
    let author = engine.sign_in("author", PASSWORD.to_owned()).await.context("signing in as author")?.identity;
    let bank = fill_bank(engine, &author, "gongxu", "公需科目题库", &PUBLIC_BANK).await?;
    let professional = fill_bank(engine, &author, "anquan", "安全生产题库（专业科目）", &PROFESSIONAL_BANK).await?;
    create_exams(engine, &author, bank).await?;
    lessons::create(engine, &author, professional, engine.now().year_in_shanghai()).await?;
    engine.sign_out(&author).await?;
    engine.store().setting_or_insert(MARK, b"complete".to_vec()).await?;
    Ok(())
}

async fn create_people(engine: &Engine) -> anyhow::Result<()> {
    let person = |username: String, name: String, role: Role, unit: String| NewPerson {
        username,
        name,
        password: Some(PASSWORD.to_owned()),
        roles: vec![role],
        unit: Some(unit),
        id_number: None,
    };
    let staff = [
        ("author", "命题人员", Role::Author),
        ("proctor", "监考人员", Role::Proctor),
        ("unit", "单位管理员", Role::UnitAdmin),
        ("district", "区县管理员", Role::DistrictAdmin),
        ("city", "市级管理员", Role::CityAdmin),
        ("admin", "系统管理员", Role::Admin),
        ("operator", "运维人员", Role::Operator),
    ];
    let learners = (1..=LEARNERS).map(|number| {
        let suffix = if number == 1 { String::new() } else { number.to_string() };
        person(format!("learner{suffix}"), format!("学员{number:03}"), Role::Learner, units::unit_of(number))
    });
    let people = staff.into_iter().map(|(username, name, role)| {
        let unit = match role {
            Role::UnitAdmin => units::unit_of(1),
            Role::DistrictAdmin => units::DISTRICT.to_owned(),
            _ => units::CITY.to_owned(),
        };
        person(username.into(), name.into(), role, unit)
    });
    let (_, refused) = engine.create_people(None, people.chain(learners).collect()).await?;
    if let Some(first) = refused.first() {
        bail!("demo person {} was refused: {:?}", first.username, first.faults);
    }
    Ok(())
}

async fn fill_bank(
    engine: &Engine,
    author: &Identity,
    code: &str,
    title: &str,
    files: &[(&str, &str)],
) -> anyhow::Result<BankId> {
    let bank = engine.create_bank(author, code.to_owned(), title.to_owned()).await?;
    for (name, text) in files {
        let request = ImportRequest {
            bytes: text.as_bytes().to_vec(),
            file_name: Some((*name).to_owned()),
            format: None,
            dry_run: false,
            state: ItemState::Ready,
        };
        let report = engine.import_items(author, bank.id, request).await?;
        if report.refused > 0 {
            bail!("{name}: {} demo items were refused", report.refused);
        }
    }
    let first = engine.bank_items(author, bank.id, Page { after: None, limit: 1 }).await?;
    first.first().context("the demo bank is empty")?;
    Ok(bank.id)
}

async fn create_exams(engine: &Engine, author: &Identity, bank: BankId) -> anyhow::Result<()> {
    let year = engine.now().year_in_shanghai();
    let compulsory = course(engine, author, "gx-bx", "公需科目必修课", Obligation::Compulsory, year, 20).await?;
    let elective = course(engine, author, "gx-xx", "公需科目选修课", Obligation::Elective, year, 8).await?;
    let trial = course(engine, author, "gx-ty", "在线考试体验", Obligation::Elective, year, 2).await?;
    let exams = [
        ("gx-bx-ks", "公需科目必修课考试", compulsory, annual_rules()),
        ("gx-xx-ks", "公需科目选修课考试", elective, elective_rules()),
        ("gx-ty-ks", "体验考试（五题，五分钟，交卷后可看解析）", trial, trial_rules()),
    ];
    for (code, title, course, rules) in exams {
        let draft = ExamDraft { code: code.to_owned(), title: title.to_owned(), course, bank, rules, audience: None };
        let exam = engine.create_exam(author, draft).await.with_context(|| format!("demo exam {code}"))?;
        engine.publish_exam(author, exam.id).await.with_context(|| format!("publishing demo exam {code}"))?;
    }
    Ok(())
}

async fn course(
    engine: &Engine,
    author: &Identity,
    code: &str,
    title: &str,
    obligation: Obligation,
    year: i16,
    hours: i64,
) -> anyhow::Result<CourseId> {
    let bucket = Bucket { subject: Subject::Public, bucket: obligation };
    let course =
        engine.create_course(author, code.to_owned(), title.to_owned(), bucket, year, Points::whole(hours)).await?;
    Ok(course.id)
}

fn section(title: &str, kind: ItemKind, count: u32, points: i64, topic: &str) -> Section {
    let quota = Quota { topic: Some(TopicPath::parse(topic)), difficulty: None, kind: None, count };
    let points = Points::whole(points);
    Section { title: title.to_owned(), count, points, kind: Some(kind), scoring: None, quotas: vec![quota] }
}

/// As sister platforms ran it in 2023: 6 × 5 + 5 × 6 + 4 × 10 points, 80 pass, 90 minutes.
fn annual_rules() -> ExamRules {
    let topic = "公需必修";
    rules(
        vec![
            section("一、判断题", ItemKind::TrueFalse, 6, 5, topic),
            section("二、单选题", ItemKind::SingleChoice, 5, 6, topic),
            section("三、多选题", ItemKind::MultipleChoice, 4, 10, topic),
        ],
        80,
        90,
    )
}

/// Every kind of item, practice first, three attempts with little overlap.
fn elective_rules() -> ExamRules {
    let topic = "公需选修";
    let mut rules = rules(
        vec![
            section("一、判断题", ItemKind::TrueFalse, 5, 4, topic),
            section("二、单选题", ItemKind::SingleChoice, 5, 6, topic),
            section("三、多选题", ItemKind::MultipleChoice, 3, 8, topic),
            section("四、填空题", ItemKind::ShortText, 1, 6, topic),
            section("五、数值题", ItemKind::Numeric, 1, 6, topic),
            section("六、排序题", ItemKind::Ordering, 1, 7, topic),
            section("七、匹配题", ItemKind::Matching, 1, 7, topic),
        ],
        60,
        60,
    );
    rules.blueprint.overlap_max = Some(4.0);
    rules.attempts_max = 3;
    rules.practice = PracticePolicy::Required;
    rules.review = ReviewPolicy::Marks;
    rules
}

/// Short, so that a visitor sees the whole road in five minutes.
fn trial_rules() -> ExamRules {
    let mut rules = rules(vec![section("单选题", ItemKind::SingleChoice, 5, 20, "公需选修/齐文化")], 60, 5);
    rules.review = ReviewPolicy::Full;
    rules
}

fn rules(sections: Vec<Section>, pass: i64, minutes: i64) -> ExamRules {
    ExamRules {
        blueprint: Blueprint { sections, overlap_max: None, exposure_max: None, shuffle_options: true },
        duration_ms: minutes * 60_000,
        grace_ms: 10_000,
        pass_score: Points::whole(pass),
        attempts_max: 99,
        cooldown_ms: 0,
        // Open whenever the demo is run.
        opens_at: Timestamp::parse("2020-01-01T00:00:00+08:00").unwrap_or_default(),
        closes_at: Timestamp::parse("2100-01-01T00:00:00+08:00").unwrap_or_default(),
        practice: PracticePolicy::Offered,
        review: ReviewPolicy::Score,
        results_at: None,
    }
}

/// Says where to go and how to sign in.
pub fn greet(address: SocketAddr) {
    say!(
        "\n科举 Keju 演示站点 demo site: http://{address}\n\
         课程学习 lessons:             http://{address}/lesson/\n\
         接口文档 API documentation:  http://{address}/docs/\n\n\
         账号 accounts (密码 password: {PASSWORD})\n\
         \x20 learner, learner2 … learner{LEARNERS}  学员 learners\n\
         \x20 author    命题人员 author           proctor  监考人员 proctor\n\
         \x20 unit      单位管理员 unit admin     district 区县管理员 district admin\n\
         \x20 city      市级管理员 city admin     admin    系统管理员 administrator\n\
         \x20 operator  运维人员 operator\n"
    );
}
