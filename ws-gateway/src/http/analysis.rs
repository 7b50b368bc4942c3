//! Item analysis of a published exam, for its authors.

use super::download::{TableFormat, heads, table};
use super::exams::page_limit;
use super::extract::{Id, Params, SignedIn};
use super::problem::Problem;
use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use exam_core::Timestamp;
use exam_core::ids::ExamId;
use exam_service::{ExamAnalysis, Which};
use question_bank::analysis::{AnalysisReport, ItemFlag, ItemReport, OptionReport};
use question_bank::formats::grid::{Cell, Grid};
use question_bank::{Difficulty, Interaction, Item, Points};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Item analysis.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(read)).routes(routes!(export))
}

/// Which attempts, and which items of the answer.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AnalysisParams {
    /// `first` (of each learner, the default) or `all`.
    attempts: Option<String>,
    limit: Option<u32>,
    /// The last code of the page before.
    after: Option<String>,
}

/// The figures of an exam. Those of an item are `null` below 30 papers, or where they cannot be computed.
#[derive(Serialize, ToSchema)]
pub struct AnalysisView {
    exam: String,
    /// `first` or `all`.
    attempts: &'static str,
    #[schema(value_type = String, format = DateTime)]
    as_of: Timestamp,
    /// Papers looked at: of attempts that were handed in or ended by their deadline.
    papers: u32,
    scores: ScoresView,
    reliability: ReliabilityView,
    /// How many items were shown at all.
    items_shown: usize,
    /// By code.
    items: Vec<ItemFiguresView>,
    next: Option<String>,
}

/// The scores, in points.
#[derive(Serialize, ToSchema)]
pub struct ScoresView {
    mean: Option<f64>,
    /// Of the sample, by n − 1.
    sd: Option<f64>,
    #[schema(value_type = Option<f64>)]
    lowest: Option<Points>,
    #[schema(value_type = Option<f64>)]
    median: Option<Points>,
    #[schema(value_type = Option<f64>)]
    highest: Option<Points>,
    #[schema(value_type = f64)]
    max: Points,
    #[schema(value_type = f64)]
    pass: Points,
    /// Each score there is, with its papers.
    counts: Vec<ScoreCount>,
}

/// A score and how many papers have it.
#[derive(Serialize, ToSchema)]
pub struct ScoreCount {
    #[schema(value_type = f64)]
    score: Points,
    papers: u32,
}

/// How far scores can be relied on.
#[derive(Serialize, ToSchema)]
pub struct ReliabilityView {
    /// Cronbach's alpha; KR-20 where items are right or wrong.
    alpha: Option<f64>,
    /// Why there is none: `few_papers papers_differ no_spread`.
    no_alpha: Option<&'static str>,
    /// Index of dependability, which random papers have too.
    dependability: Option<f64>,
    /// Standard error of measurement, in points.
    sem: Option<f64>,
}

/// The figures of an item.
#[derive(Serialize, ToSchema)]
pub struct ItemFiguresView {
    code: String,
    kind: &'static str,
    topic: String,
    #[schema(value_type = String)]
    difficulty: Difficulty,
    /// As a learner sees it.
    stem: String,
    shown: u32,
    /// Share of the papers that showed it.
    exposure: f64,
    omitted: u32,
    /// Mean share of its points.
    facility: Option<f64>,
    sd: Option<f64>,
    /// Corrected point-biserial: correlation with the rest of the paper.
    discrimination: Option<f64>,
    /// Facility of the upper 27 % less that of the lower 27 %.
    upper_lower: Option<f64>,
    /// Geometric mean of the seconds to the first answer.
    seconds: Option<f64>,
    timed: u32,
    /// In the author's order; of choice and true/false items.
    options: Vec<OptionFiguresView>,
    flags: Vec<FlagView>,
}

/// The figures of an option.
#[derive(Serialize, ToSchema)]
pub struct OptionFiguresView {
    text: String,
    key: bool,
    chosen: u32,
    share: f64,
    upper: Option<f64>,
    lower: Option<f64>,
    discrimination: Option<f64>,
}

/// Something worth a look.
#[derive(Serialize, ToSchema)]
pub struct FlagView {
    /// `key_in_doubt negative_discrimination low_discrimination too_easy too_hard dead_distractor
    /// distractor_attracts often_omitted`.
    code: &'static str,
    /// The option it is about, from zero.
    option: Option<u8>,
}

/// What an exam's closed attempts say of its items.
#[utoipa::path(get, path = "/api/v1/authored/exams/{exam}/analysis", tag = "author",
    params(("exam" = String, Path), AnalysisParams),
    responses((status = 200, body = AnalysisView), (status = 403), (status = 404)))]
async fn read(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(exam): Id<ExamId>,
    Params(params): Params<AnalysisParams>,
) -> Result<axum::Json<AnalysisView>, Problem> {
    let analysis = app.engine.analysis(&identity, exam, which(params.attempts.as_deref())?).await?;
    Ok(axum::Json(view(&analysis, params.after.as_deref(), page_limit(params.limit) as usize)))
}

/// Which table.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AnalysisExportParams {
    /// `first` (the default) or `all`.
    attempts: Option<String>,
    /// `xlsx` (the default) or `csv`.
    #[param(value_type = Option<String>)]
    #[serde(default)]
    format: TableFormat,
}

/// The figures of all items as a table.
#[utoipa::path(get, path = "/api/v1/authored/exams/{exam}/analysis/export", tag = "author",
    params(("exam" = String, Path), AnalysisExportParams),
    responses((status = 200, description = "the file"), (status = 403), (status = 404)))]
async fn export(
    State(app): State<Arc<App>>,
    SignedIn(identity): SignedIn,
    Id(exam): Id<ExamId>,
    Params(params): Params<AnalysisExportParams>,
) -> Result<Response, Problem> {
    let analysis = app.engine.analysis(&identity, exam, which(params.attempts.as_deref())?).await?;
    table(grid(&analysis), params.format, "keju-items").await
}

fn which(asked: Option<&str>) -> Result<Which, Problem> {
    match asked {
        None | Some("" | "first") => Ok(Which::First),
        Some("all") => Ok(Which::All),
        Some(_) => Err(Problem::field("/query/attempts", "可用值：first all / give one of first all")),
    }
}

/// Statistics have more digits than points, and none beyond these means anything.
fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

fn view(analysis: &ExamAnalysis, after: Option<&str>, limit: usize) -> AnalysisView {
    let report = &analysis.report;
    let pool = &analysis.exam.pool;
    let named = report.items.iter().filter_map(|figures| Some((pool.item(figures.item)?, figures)));
    // A snapshot numbers its items by code.
    let mut rest = named.filter(|(item, _)| after.is_none_or(|after| item.code.as_str() > after)).peekable();
    let mut items = Vec::new();
    while items.len() < limit
        && let Some((item, figures)) = rest.next()
    {
        items.push(item_view(item, figures, report));
    }
    let next = rest.peek().and(items.last()).map(|last| last.code.clone());
    AnalysisView {
        exam: analysis.exam.exam.id.to_string(),
        attempts: match analysis.which {
            Which::First => "first",
            Which::All => "all",
        },
        as_of: analysis.at,
        papers: report.scores.count(),
        scores: scores_view(analysis),
        reliability: ReliabilityView {
            alpha: report.reliability.alpha.ok().map(rounded),
            no_alpha: report.reliability.alpha.err().map(question_bank::analysis::NoAlpha::name),
            dependability: report.reliability.dependability.map(rounded),
            sem: report.reliability.sem.map(rounded),
        },
        items_shown: report.items.len(),
        items,
        next,
    }
}

fn scores_view(analysis: &ExamAnalysis) -> ScoresView {
    let (scores, rules) = (&analysis.report.scores, &analysis.exam.exam.rules);
    let spread = scores.spread();
    ScoresView {
        mean: scores.mean().map(rounded),
        sd: scores.variance().map(|variance| rounded(variance.sqrt())),
        lowest: spread.map(|(lowest, _, _)| lowest),
        median: spread.map(|(_, median, _)| median),
        highest: spread.map(|(_, _, highest)| highest),
        max: rules.blueprint.points_total(),
        pass: rules.pass_score,
        counts: scores.counts().map(|(score, papers)| ScoreCount { score, papers }).collect(),
    }
}

fn item_view(item: &Item, figures: &ItemReport, report: &AnalysisReport) -> ItemFiguresView {
    let texts = option_texts(item);
    let option = |(text, option): (String, &OptionReport)| OptionFiguresView {
        text,
        key: option.is_key,
        chosen: option.chosen,
        share: rounded(option.share),
        upper: option.upper.map(rounded),
        lower: option.lower.map(rounded),
        discrimination: option.discrimination.map(rounded),
    };
    ItemFiguresView {
        code: item.code.clone(),
        kind: item.kind().name(),
        topic: item.topic.to_string(),
        difficulty: item.difficulty,
        stem: item.prompt.stem.as_html().to_owned(),
        shown: figures.shown,
        exposure: rounded(f64::from(figures.shown) / f64::from(report.scores.count().max(1))),
        omitted: figures.omitted,
        facility: figures.facility.map(rounded),
        sd: figures.sd.map(rounded),
        discrimination: figures.discrimination.map(rounded),
        upper_lower: figures.upper_lower.map(rounded),
        seconds: figures.seconds.map(rounded),
        timed: figures.timed,
        options: texts.into_iter().zip(&figures.options).map(option).collect(),
        flags: figures.flags.iter().map(|flag| FlagView { code: flag.name(), option: flag.option() }).collect(),
    }
}

fn option_texts(item: &Item) -> Vec<String> {
    match &item.prompt.interaction {
        Interaction::Choice { options, .. } => options.iter().map(|text| text.as_html().to_owned()).collect(),
        Interaction::TrueFalse => vec!["正确".to_owned(), "错误".to_owned()],
        _ => Vec::new(),
    }
}

fn grid(analysis: &ExamAnalysis) -> Grid {
    let report = &analysis.report;
    let most = report.items.iter().map(|item| item.options.len()).max().unwrap_or_default();
    let letters = || (b'A'..=b'Z').map(char::from).take(most);
    let mut names = heads(&[
        ("编号", "code"),
        ("题型", "kind"),
        ("知识点", "topic"),
        ("题干", "stem"),
        ("出现次数", "shown"),
        ("曝光率", "exposure"),
        ("未答", "omitted"),
        ("难度系数", "facility"),
        ("标准差", "sd"),
        ("区分度", "discrimination"),
        ("高低分组差", "upper - lower"),
        ("平均用时（秒）", "seconds"),
        ("答案", "key"),
    ]);
    names.extend(letters().map(|letter| super::download::words(&format!("选{letter}"), &format!("chose {letter}"))));
    names.push(super::download::words("提示", "flags"));
    let row = |(item, figures): (&Item, &ItemReport)| {
        let shown = f64::from(figures.shown);
        let key: String = letters().zip(&figures.options).filter(|(_, one)| one.is_key).map(|(name, _)| name).collect();
        let mut cells: Vec<Cell> = vec![
            item.code.clone().into(),
            item.kind().name_zh().into(),
            item.topic.to_string().into(),
            item.prompt.stem.plain_text().into(),
            figures.shown.into(),
            rounded(shown / f64::from(report.scores.count().max(1))).into(),
            figures.omitted.into(),
            figures.facility.map(rounded).into(),
            figures.sd.map(rounded).into(),
            figures.discrimination.map(rounded).into(),
            figures.upper_lower.map(rounded).into(),
            figures.seconds.map(rounded).into(),
            key.into(),
        ];
        cells.extend((0..most).map(|option| Cell::from(figures.options.get(option).map(|one| one.chosen))));
        cells.push(figures.flags.iter().map(|flag| flag_words(*flag)).collect::<Vec<_>>().join("；").into());
        cells
    };
    let named = report.items.iter().filter_map(|figures| Some((analysis.exam.pool.item(figures.item)?, figures)));
    Grid { name: super::download::words("试题分析", "items"), heads: names, rows: named.map(row).collect() }
}

fn flag_words(flag: ItemFlag) -> String {
    let letter = flag.option().map(|option| char::from(b'A' + option)).map(String::from).unwrap_or_default();
    let (chinese, english) = match flag {
        ItemFlag::TooEasy => ("过易", "too easy"),
        ItemFlag::TooHard => ("过难", "too hard"),
        ItemFlag::NegativeDiscrimination => ("区分度为负", "negative discrimination"),
        ItemFlag::LowDiscrimination => ("区分度低", "low discrimination"),
        ItemFlag::KeyInDoubt(_) => ("答案存疑：高分组更多选", "key in doubt: the upper group prefers "),
        ItemFlag::DistractorAttracts(_) => ("干扰项吸引高分者：", "distractor attracts the able: "),
        ItemFlag::DeadDistractor(_) => ("干扰项无人选：", "dead distractor: "),
        ItemFlag::OftenOmitted => ("漏答多", "often omitted"),
    };
    super::download::words(&format!("{chinese}{letter}"), &format!("{english}{letter}"))
}
