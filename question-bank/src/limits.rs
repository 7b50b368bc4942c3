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
/// Nesting of elements in an XML import.
pub const IMPORT_XML_DEPTH_MAX: usize = 64;
/// Characters of a stem, an option or an explanation, images as data included.
pub const RICH_TEXT_CHARS_MAX: usize = 400_000;
/// Characters of an item code.
pub const CODE_CHARS_MAX: usize = 128;
/// Characters of one topic name, and names in one topic path.
pub const TOPIC_CHARS_MAX: usize = 100;
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
