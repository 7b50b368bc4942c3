use super::markup::{Piece, attributes, pieces};
use super::sanitize::{IMAGE_ATTRIBUTES, TAGS};
use super::{Removed, RichText};
use proptest::prelude::*;

fn clean(html: &str) -> String {
    RichText::sanitize(html).0.as_html().to_owned()
}

#[test]
fn attacks_come_out_harmless() {
    const PAYLOADS: &[&str] = &[
        "<script>alert(1)</script>x",
        "<ScRiPt src=//evil.example/x.js></sCrIpT>",
        "<script>alert(1)",
        "<<script>script>alert(1)<</script>/script>",
        "<scr<script></script>ipt>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<img src=\"data:image/svg+xml;base64,PHN2Zz4=\">",
        "<img src=\"data:text/html;base64,PHNjcmlwdD4=\">",
        "<img src='data:image/png;base64,AAAA\" onerror=\"alert(1)'>",
        "<img src=\"data:image/png,<svg onload=alert(1)>\">",
        "<img src=javascript:alert(1)>",
        "<img src=https://evil.example/track.png>",
        "<img src=//evil.example/x>",
        "<img/src/onerror=alert(1)>",
        "<img srcset='https://evil.example/x 1x' src=\"data:image/png;base64,AAAA\">",
        "<p onclick=alert(1)>x</p>",
        "<p/onclick=alert(1)>x",
        "<p style=\"background:url(https://evil.example)\">x</p>",
        "<a href=\"javascript:alert(1)\">x</a>",
        "<a href=\"jav&#x09;ascript:alert(1)\">x</a>",
        "<svg><script>alert(1)</script></svg>",
        "<svg onload=alert(1)>",
        "<svg><animate xlink:href=#x attributeName=href values=javascript:alert(1) /><a id=x><text y=20>x</text></a></svg>",
        "<svg><style><img src=x onerror=alert(1)></style></svg>",
        "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
        "<math><a xlink:href=javascript:alert(1)>x</a></math>",
        "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
        "<math><annotation-xml encoding=\"text/html\"><style><img src=x onerror=alert(1)></style></annotation-xml></math>",
        "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
        "<textarea></textarea><img src=x onerror=alert(1)></textarea>",
        "<title><img src=x onerror=alert(1)></title>",
        "<xmp><img src=x onerror=alert(1)></xmp>",
        "<plaintext><img src=x onerror=alert(1)>",
        "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
        "<object data=\"data:text/html,<script>alert(1)</script>\"></object>",
        "<embed src=javascript:alert(1)>",
        "<base href=//evil.example>",
        "<link rel=stylesheet href=//evil.example>",
        "<meta http-equiv=refresh content=\"0;url=javascript:alert(1)\">",
        "<details open ontoggle=alert(1)>x</details>",
        "<video><source onerror=alert(1)></video>",
        "<input autofocus onfocus=alert(1)>",
        "<select><template shadowrootmode=open><img src=x onerror=alert(1)></template></select>",
        "<!--><img src=x onerror=alert(1)>-->",
        "<!-- --!><img src=x onerror=alert(1)> -->",
        "<![CDATA[<img src=x onerror=alert(1)>]]>",
        "<?xml version=\"1.0\"?><script>alert(1)</script>",
        "\\(<img src=x onerror=alert(1)>\\)",
        "$$<script>alert(1)</script>$$",
        "\\[ a<b onmouseover=alert(1) c>d \\]",
        "\0<scr\0ipt>alert(1)</script>",
        "<p><p><p><b><i></p><table><td><script>alert(1)</script>",
        "<table><tr><td><form action=javascript:alert(1)><button>x",
        "<div id=\"cookie\"><a name=getElementById>",
    ];
    for payload in PAYLOADS {
        let clean = clean(payload);
        let lower = clean.to_ascii_lowercase();
        for piece in pieces(&clean) {
            if let Piece::Open { name, attributes: list } = piece {
                assert!(TAGS.contains(&name), "{payload} → {clean}");
                for (attribute, value) in attributes(list) {
                    assert!(IMAGE_ATTRIBUTES.contains(&attribute.as_str()), "{payload} → {clean}");
                    assert!(attribute != "src" || value.starts_with("data:image/png;base64,"), "{payload} → {clean}");
                }
            }
        }
        assert!(!lower.contains("<script") && !lower.contains("<svg") && !lower.contains("<math"), "{clean}");
    }
}

#[test]
fn what_is_allowed_stays_and_what_goes_is_told() {
    for kept in [
        "<p>H<sub>2</sub>O 与 x<sup>2</sup></p>",
        "<table><tbody><tr><td colspan=\"2\">甲</td></tr></tbody></table>",
        "<img src=\"data:image/png;base64,iVBORw0KGgo=\" alt=\"图 &gt; 一\" width=\"20\">",
        "若 \\(a &lt; b\\) 且 $$x^2$$",
        "a &amp;lt; b",
    ] {
        let (text, removed) = RichText::sanitize(kept);
        assert_eq!((text.as_html(), removed), (kept, Removed::default()));
    }
    let (text, removed) = RichText::sanitize("<p style=\"x\" class=y>一</p><font>二</font>&nbsp;三");
    assert_eq!(text.as_html(), "<p>一</p>二\u{a0}三");
    assert_eq!(removed, Removed::default(), "looks go without a word");
    let (text, removed) = RichText::sanitize("见<a href=https://x.example>链接</a>");
    assert_eq!((text.as_html(), removed.markup), ("见链接", true));
    let (text, removed) = RichText::sanitize("图<img src=a.png>示<img alt=b>");
    assert_eq!((text.as_html(), removed.images), ("图示", 2));
    assert_eq!(clean("<img src=\"data:image/jpg;base64,AA\nAA\">"), "<img src=\"data:image/jpeg;base64,AAAA\">");
}

#[test]
fn formulas_stay_verbatim() {
    for (html, clean_html) in [
        ("\\(a<b\\) 和 \\(c>d\\)", "\\(a&lt;b\\) 和 \\(c&gt;d\\)"),
        ("$$x<y & z$$<b>粗</b>", "$$x&lt;y &amp; z$$<b>粗</b>"),
        ("\\[a<b", "\\[a"),
        ("\\(<b>x</b>\\)", "\\(<b>x</b>\\)"),
    ] {
        assert_eq!(clean(html), clean_html);
    }
}

#[test]
fn too_much_markup_becomes_words() {
    for html in ["<div>".repeat(80_000), format!("<b {}>x", "a ".repeat(100_000)), "\\(".repeat(200_000)] {
        assert!(!clean(&html).contains("<div"));
    }
    let nested = "<div>".repeat(crate::limits::RICH_TEXT_TAGS_MAX);
    assert!(RichText::sanitize(&format!("{nested}x")).0.plain_text().contains('x'));
}

fn html() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z<>&;\"' \\\\()$\\[\\]一\u{a0}\n]{0,6}",
        prop::sample::select(vec![
            "<p>",
            "</p>",
            "<b>",
            "</b>",
            "<i>",
            "</i>",
            "<pre>\n",
            "</pre>",
            "<table>",
            "<tr>",
            "<td>",
            "</td>",
            "</table>",
            "<ul>",
            "<li>",
            "</ul>",
            "<form>",
            "</form>",
            "<a href=x>",
            "</a>",
            "<svg>",
            "</svg>",
            "<math>",
            "<mtext>",
            "<style>",
            "</style>",
            "<h1>",
            "</h1>",
            "&nbsp;",
            "&lt;",
            "&#60;",
            "<br>",
            "<img src='data:image/png;base64,AAAA' alt='<&quot;>'>",
            "<!--",
            "-->",
            "<select>",
            "<option>",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn sanitizing_twice_changes_nothing(html in html()) {
        let once = clean(&html);
        prop_assert_eq!(clean(&once), once);
    }

    #[test]
    fn plain_text_is_left_alone(text in "[ -~一-三\u{a0}\n<>&]{0,30}") {
        let rich = RichText::from_plain(&text);
        prop_assert_eq!(clean(rich.as_html()), rich.as_html());
        prop_assert_eq!(rich.plain_text(), text.trim());
    }
}
