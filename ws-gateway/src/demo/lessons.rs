//! The demo's lessons. All of them play the demo's clip, so all are as long as it is.

use anyhow::Context;
use exam_core::hours::{Bucket, Obligation, Subject};
use exam_core::ids::{BankId, CourseId, LessonId};
use exam_core::lesson::LessonPolicy;
use exam_service::{Engine, Identity, LessonDraft};
use question_bank::Points;

/// What `web/lesson-demo/clip.webm` lasts.
const CLIP_MS: i64 = 90_000;

/// A compulsory course whose hours come with its last lesson, and two elective packages that overlap: the lesson
/// that is in both credits its hours once.
pub(super) async fn create(engine: &Engine, author: &Identity, bank: BankId, year: i16) -> anyhow::Result<()> {
    let maker = Maker { engine, author, bank, year };
    let compulsory = maker.course("zy-aq", "安全生产（专业必修）", Obligation::Compulsory, 10).await?;
    maker.lesson("zy-aq-1", compulsory, "第一讲 安全生产法律法规", None).await?;
    maker.lesson("zy-aq-2", compulsory, "第二讲 风险分级管控与隐患排查", None).await?;
    let first = maker.course("zy-xx-10", "专业选修课程包（10学时）", Obligation::Elective, 10).await?;
    maker.lesson("zy-xx-1", first, "应急处置与救援", Some(5)).await?;
    let shared = maker.lesson("zy-xx-2", first, "职业健康与劳动防护", Some(5)).await?;
    let second = maker.course("zy-xx-20", "专业选修课程包（20学时）", Obligation::Elective, 20).await?;
    maker.lesson("zy-xx-3", second, "消防安全管理", Some(10)).await?;
    maker.lesson("zy-xx-4", second, "特种作业与设备安全", Some(5)).await?;
    engine.set_course_lessons(author, second, vec![shared]).await.context("the demo's second package")
}

struct Maker<'a> {
    engine: &'a Engine,
    author: &'a Identity,
    bank: BankId,
    year: i16,
}

impl Maker<'_> {
    async fn course(&self, code: &str, title: &str, bucket: Obligation, hours: i64) -> anyhow::Result<CourseId> {
        let bucket = Bucket { subject: Subject::Professional, bucket };
        let (code, title, hours) = (code.to_owned(), title.to_owned(), Points::whole(hours));
        let course = self.engine.create_course(self.author, code, title, bucket, self.year, hours).await;
        Ok(course.context("a demo course")?.id)
    }

    async fn lesson(&self, code: &str, course: CourseId, title: &str, hours: Option<i64>) -> anyhow::Result<LessonId> {
        let draft = LessonDraft {
            code: code.to_owned(),
            course,
            title: title.to_owned(),
            duration_ms: CLIP_MS,
            bank: self.bank,
            policy: policy(),
            hours: hours.map(Points::whole),
        };
        Ok(self.engine.create_lesson(self.author, draft).await.with_context(|| format!("demo lesson {code}"))?.id)
    }
}

/// Short, so that a visitor meets a question within seconds and the end within two minutes.
fn policy() -> LessonPolicy {
    LessonPolicy {
        heartbeat_ms: 5_000,
        gap_min_ms: 10_000,
        gap_max_ms: 20_000,
        challenges_min: 2,
        rewind_ms: 10_000,
        cooldown_ms: 5_000,
        ..LessonPolicy::default()
    }
}
