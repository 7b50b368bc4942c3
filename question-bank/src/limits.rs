//! Every limit of this crate in one place.

/// Options of one choice item, entries of an ordering, sides of a matching: a set of them fits a `u32`.
pub const OPTIONS_MAX: usize = 26;
/// Items in one import file.
pub const IMPORT_ITEMS_MAX: usize = 200_000;
/// Bytes of one import file.
pub const IMPORT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes an archive member (xlsx part) may expand to, all members together.
pub const IMPORT_EXPANDED_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Members of an import archive.
pub const IMPORT_ARCHIVE_MEMBERS_MAX: usize = 4_096;
/// Bytes of one item of a JSON import.
pub const IMPORT_ITEM_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Nesting of lists and objects around the items of a JSON import.
pub const IMPORT_JSON_DEPTH_MAX: usize = 16;
/// Columns of a sheet that are looked at.
pub const IMPORT_COLUMNS_MAX: usize = 256;
/// Nesting of elements in an XML import.
pub const IMPORT_XML_DEPTH_MAX: usize = 64;
/// Characters of a stem, an option or an explanation, images as data included.
pub const RICH_TEXT_CHARS_MAX: usize = 400_000;
/// Tags of a stem, an option or an explanation; with more, the words alone are kept.
pub const RICH_TEXT_TAGS_MAX: usize = 5_000;
/// Attributes of one tag; with more, the words alone are kept.
pub const RICH_TEXT_TAG_ATTRIBUTES_MAX: usize = 64;
/// Characters of an item code.
pub const CODE_CHARS_MAX: usize = 128;
/// Characters of one topic name, and names in one topic path.
pub const TOPIC_CHARS_MAX: usize = 100;
/// Characters of one tag, and of one enemy group's name.
pub const LABEL_CHARS_MAX: usize = 100;
/// Depth of the topic tree.
pub const TOPIC_DEPTH_MAX: usize = 8;
/// Tags, and enemy groups, of one item.
pub const TAGS_MAX: usize = 32;
/// Accepted answers of a numeric or short-text item.
pub const ACCEPTED_MAX: usize = 64;
/// Characters of a short-text response.
pub const RESPONSE_TEXT_CHARS_MAX: usize = 2_000;
/// Slots of one paper.
pub const PAPER_SLOTS_MAX: usize = 500;
/// Sections of one blueprint.
pub const SECTIONS_MAX: usize = 50;
/// Quotas of one section.
pub const QUOTAS_MAX: usize = 200;
/// Items of one bank snapshot (a bound of their numbering, not of the memory they take).
pub const BANK_ITEMS_MAX: usize = 1 << 26;
/// Papers before any figure of an item is given: fewer say nothing.
pub const ANALYSIS_PAPERS_MIN: u32 = 30;
/// Papers before an item is called anything in words.
pub const ANALYSIS_WORDS_MIN: u32 = 50;
/// Share of all papers in the upper group, and in the lower one.
pub const ANALYSIS_GROUP_SHARE: f64 = 0.27;
