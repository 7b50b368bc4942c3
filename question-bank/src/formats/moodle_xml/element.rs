//! Looking into the tree of a question.

use super::images::Images;
use crate::draft::DraftText;
use crate::formats::Finding;
use crate::formats::markup::TextFormat;
use roxmltree::Node;

/// The first child element of a name.
pub(super) fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| child.has_tag_name(name))
}

/// The child elements of a name.
pub(super) fn children<'a, 'input>(
    node: Node<'a, 'input>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(move |child| child.has_tag_name(name))
}

/// The text of an element: of its `<text>` where it has one, else its own.
pub(super) fn text(node: Node<'_, '_>) -> String {
    let holder = child(node, "text").unwrap_or(node);
    // Only an element that should hold escaped HTML but holds it bare has elements inside.
    if child(node, "text").is_some() && holder.children().any(|inside| inside.is_element()) {
        let source = holder.document().input_text().get(holder.range()).unwrap_or_default();
        let inside = source.split_once('>').and_then(|(_, rest)| rest.rsplit_once("</"));
        return inside.map_or_else(String::new, |(inside, _)| inside.trim().to_owned());
    }
    let own = holder.children().filter(roxmltree::Node::is_text).filter_map(|inside| inside.text());
    own.collect::<String>().trim().to_owned()
}

/// The text of a child, if there is any.
pub(super) fn child_text(node: Node<'_, '_>, name: &str) -> Option<String> {
    child(node, name).map(text).filter(|text| !text.is_empty())
}

/// Whether a child says yes, in one of the ways Moodle has written it.
pub(super) fn flag(node: Node<'_, '_>, name: &str) -> Option<bool> {
    child_text(node, name).map(|text| matches!(text.to_ascii_lowercase().as_str(), "1" | "true" | "yes"))
}

/// The marked-up text of an element with its images, or nothing when it is blank. `part` names it
/// in findings.
pub(super) fn rich(
    node: Node<'_, '_>,
    default: TextFormat,
    part: &str,
    warnings: &mut Vec<Finding>,
) -> Option<DraftText> {
    let format = node.attribute("format").and_then(TextFormat::parse).unwrap_or(default);
    let source = text(node);
    let source = Images::of(node).embed(&source, warnings);
    format.draft_if_any(&source, part, warnings)
}

/// The same of a child.
pub(super) fn rich_child(
    node: Node<'_, '_>,
    name: &str,
    default: TextFormat,
    part: &str,
    warnings: &mut Vec<Finding>,
) -> Option<DraftText> {
    child(node, name).and_then(|child| rich(child, default, part, warnings))
}
