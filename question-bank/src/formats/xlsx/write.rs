//! Writes workbooks, and the template to fill in.

use super::sheets::CELL_UNITS_MAX;
use super::{Column, EXAMPLES_SHEET, INSTRUCTIONS_SHEET, SheetToWrite, write_sheets};
use crate::formats::grid::Cell;
use crate::formats::table::{columns, row};
use crate::formats::{Finding, FindingCode, Omitted};
use crate::{Difficulty, Item, ItemKind};

/// Writes a workbook and says what was left out, by item code. Cells are texts, never formulas.
///
/// # Errors
/// The workbook cannot be made: more rows than Excel has.
pub fn write(items: &[&Item]) -> Result<(Vec<u8>, Omitted), Finding> {
    let mut omitted = Vec::new();
    let header = columns(items);
    let mut rows = Vec::with_capacity(items.len());
    for item in items {
        match row(item, &header) {
            Ok((cells, _)) if cells.iter().any(|cell| cell.encode_utf16().count() > CELL_UNITS_MAX) => {
                let finding = Finding::new(
                    FindingCode::NotHeld,
                    format!("文字超过 {CELL_UNITS_MAX} 字 a text too long for a cell"),
                );
                omitted.push((item.code.clone(), finding));
            }
            Ok((cells, lost)) => {
                rows.push(cells);
                omitted.extend(lost.map(|lost| (item.code.clone(), lost)));
            }
            Err(finding) => omitted.push((item.code.clone(), finding)),
        }
    }
    Ok((workbook(&header, &rows, false)?, omitted))
}

/// The workbook to fill in: a sheet with the header row and choices where there are any, a sheet of
/// instructions and one of examples, both of which import passes over.
///
/// # Errors
/// The workbook cannot be made.
pub fn template() -> Result<Vec<u8>, Finding> {
    workbook(&columns(&[]), &[], true)
}

fn workbook(header: &[String], rows: &[Vec<String>], with_help: bool) -> Result<Vec<u8>, Finding> {
    let kinds: Vec<&str> = ItemKind::ALL.iter().map(|kind| kind.name_zh()).collect();
    let difficulties: Vec<&str> = (1..=5).filter_map(Difficulty::new).map(Difficulty::name_zh).collect();
    let choices = |head: &str| match head {
        "题型" => kinds.as_slice(),
        "难度" => difficulties.as_slice(),
        _ => &[],
    };
    let columns: Vec<Column<'_>> = header.iter().map(|head| Column { head, choices: choices(head) }).collect();
    let cells = |row: &[String]| row.iter().map(|text| Cell::Text(text.clone())).collect();
    let rows: Vec<Vec<Cell>> = rows.iter().map(|row| cells(row)).collect();
    let mut sheets = vec![SheetToWrite { name: "题库", columns: &columns, rows: &rows }];
    let texts = |row: &[&str]| row.iter().map(|text| Cell::from(*text)).collect();
    let help: Vec<Vec<Cell>> = INSTRUCTIONS.iter().map(|row| texts(row)).collect();
    let examples: Vec<Vec<Cell>> = EXAMPLES.iter().map(|row| texts(row)).collect();
    if with_help {
        sheets.push(SheetToWrite { name: INSTRUCTIONS_SHEET, columns: &[], rows: &help });
        sheets.push(SheetToWrite { name: EXAMPLES_SHEET, columns: &columns, rows: &examples });
    }
    write_sheets(&sheets)
}

const INSTRUCTIONS: &[[&str; 3]] = &[
    [
        "题库导入模板",
        "在“题库”表中每行填写一题；“说明”和“示例”两张表不会被导入。",
        "One item per row of the sheet 题库; 说明 and 示例 are not imported.",
    ],
    [
        "题型",
        "单选题 多选题 判断题 数值题 填空题 排序题 匹配题；空着时由选项和答案判断。",
        "Kind; told from options and answer when blank.",
    ],
    ["题干", "必填。可写 HTML；公式写在 \\(…\\) 之间。", "Required. HTML is possible; formulas between \\(…\\)."],
    [
        "选项A … 选项H",
        "选择题的选项；需要更多时在后面加“选项I”等列。排序题写各项；匹配题每格写“左=右”，只写“=右”是干扰项。",
        "Options; add columns for more. Ordering: the entries. Matching: left=right per cell, =right for a distractor.",
    ],
    [
        "答案",
        "选择题写字母，如 B 或 ABD；判断题写 对 或 错；数值题写 3.14±0.01 或 [3.1,3.2]；填空题写答案，多个可接受的答案用 | 分开；排序题写正确顺序的字母，如 BADC；匹配题不写。",
        "Letters; 对/错 (T/F); a number with ± tolerance or [low,high]; accepted texts between |; the letters in order; nothing for a matching.",
    ],
    ["解析", "公布成绩后可见。", "Shown after release."],
    ["知识点", "分级用 / 隔开，如 公需/职业道德，最多 8 级。", "Topic path with /, at most 8 levels."],
    ["难度", "易 较易 中 较难 难，或 1–5；空着为中。", "1 to 5 or a word; medium when blank."],
    ["分值", "建议分值，最多两位小数，可不填。", "Suggested points; may be blank."],
    [
        "编号",
        "题目在题库中的唯一编号；空着时由内容生成。再次导入同一编号即为新版本。",
        "Identity within the bank; made from the content when blank.",
    ],
    [
        "标签、互斥组",
        "多个用 、 分开；同一互斥组的题不会出现在同一张卷中。",
        "Labels; no paper holds two items of one enemy group.",
    ],
    [
        "设置",
        "固定选项顺序、区分大小写、通配符（* 代表任意文字），可不填。",
        "fixed_order, case_sensitive, wildcards; may be blank.",
    ],
];

const EXAMPLES: &[[&str; 19]] = &[
    [
        "单选题",
        "职业道德的核心是（　　）",
        "为人民服务",
        "追求利润",
        "服从管理",
        "个人发展",
        "",
        "",
        "",
        "",
        "A",
        "社会主义职业道德以为人民服务为核心。",
        "公需/职业道德",
        "易",
        "5",
        "",
        "",
        "",
        "",
    ],
    [
        "多选题",
        "下列属于诚信行为的有（　　）",
        "按约交货",
        "虚报工时",
        "如实申报",
        "",
        "",
        "",
        "",
        "",
        "AC",
        "",
        "公需/职业道德",
        "中",
        "10",
        "",
        "",
        "",
        "",
    ],
    [
        "判断题",
        "专业技术人员应当参加继续教育。",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "对",
        "",
        "公需",
        "易",
        "5",
        "",
        "",
        "",
        "",
    ],
    [
        "数值题",
        "圆周率取两位小数约为多少？",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "3.14±0.01",
        "",
        "",
        "中",
        "",
        "",
        "",
        "",
        "",
    ],
    [
        "填空题",
        "春秋五霸之首是（　　）",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "齐桓公|小白",
        "",
        "",
        "中",
        "",
        "",
        "",
        "",
        "",
    ],
    ["排序题", "按先后排列朝代", "商", "夏", "周", "", "", "", "", "", "BAC", "", "", "中", "", "", "", "", ""],
    [
        "匹配题",
        "人物与著作",
        "司马迁=《史记》",
        "许慎=《说文解字》",
        "=《汉书》",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "较难",
        "",
        "",
        "",
        "",
        "",
    ],
];
